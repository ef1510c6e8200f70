"""Outlines of the drawn products, in a unit square: x to the right, y down.

A shape is a list of parts, painted in order; a part is a line: its paint, its form, its numbers. The paint `body`
carries colour and pattern, `trim` is a darker shade of the colour, `pale` is nearly white and `dark` nearly black. A
`poly` lists its corners, an `oval` and a `box` (rounded) their bounding box, a `pie` its bounding box with start and
end in degrees, an `arc` also its width, a `line` its two ends and its width.
"""

from typing import NamedTuple


class Part(NamedTuple):
    paint: str
    form: str
    numbers: tuple[float, ...]


_DRAWINGS = """
sneaker
  body poly .06 .42 .24 .3 .36 .42 .56 .46 .78 .58 .93 .62 .95 .72 .06 .72
  pale box .04 .7 .97 .8
  trim line .38 .49 .47 .41 .025
  trim line .46 .51 .55 .43 .025
  trim line .54 .55 .63 .47 .025
boot
  body poly .24 .08 .58 .08 .58 .5 .86 .64 .9 .8 .24 .8
  dark box .22 .8 .92 .88
  dark box .22 .86 .4 .95
  trim box .22 .06 .6 .13
sandal
  trim box .04 .66 .96 .76
  body poly .5 .66 .58 .38 .8 .42 .92 .66
  body poly .08 .66 .1 .4 .3 .36 .36 .66
  trim line .3 .44 .58 .46 .04
loafer
  body poly .06 .46 .3 .5 .5 .44 .8 .52 .95 .66 .94 .74 .06 .74
  dark oval .1 .44 .48 .54
  dark box .05 .73 .95 .78
  dark box .05 .76 .3 .84
tshirt
  body poly .3 .14 .7 .14 .96 .32 .84 .48 .74 .42 .74 .88 .26 .88 .26 .42 .16 .48 .04 .32
  trim oval .39 .08 .61 .22
dress
  body poly .36 .06 .64 .06 .66 .36 .88 .94 .12 .94 .34 .36
  trim oval .41 0 .59 .13
  trim box .33 .35 .67 .4
skirt
  body poly .32 .2 .68 .2 .92 .84 .08 .84
  trim box .31 .15 .69 .24
jacket
  body poly .3 .1 .7 .1 .88 .24 .96 .8 .8 .82 .76 .44 .76 .9 .24 .9 .24 .44 .2 .82 .04 .8 .12 .24
  dark line .5 .14 .5 .9 .025
  trim poly .34 .08 .66 .08 .5 .26
sweater
  body poly .32 .16 .68 .16 .86 .26 .98 .72 .82 .76 .74 .46 .74 .84 .26 .84 .26 .46 .18 .76 .02 .72 .14 .26
  trim box .25 .8 .75 .88
  trim box .38 .11 .62 .19
trousers
  body poly .26 .08 .74 .08 .84 .94 .58 .94 .5 .42 .42 .94 .16 .94
  trim box .25 .05 .75 .13
hoodie
  trim oval .3 .02 .7 .36
  body poly .32 .2 .68 .2 .88 .3 .98 .74 .82 .78 .74 .5 .74 .9 .26 .9 .26 .5 .18 .78 .02 .74 .12 .3
  trim poly .36 .66 .64 .66 .7 .84 .3 .84
cap
  body pie .14 .24 .74 .96 180 360
  trim poly .44 .6 .74 .56 .98 .68 .96 .74 .44 .68
  trim oval .41 .2 .47 .26
sock
  body poly .34 .06 .62 .06 .62 .54 .86 .76 .8 .92 .62 .94 .34 .66
  trim box .32 .04 .64 .16
scarf
  body box .24 .08 .76 .34
  body poly .3 .3 .52 .3 .5 .92 .28 .92
  body poly .54 .3 .72 .3 .78 .8 .58 .8
  trim line .31 .92 .31 .99 .02
  trim line .37 .92 .37 .99 .02
  trim line .43 .92 .43 .99 .02
  trim line .49 .92 .49 .99 .02
backpack
  dark arc .36 .02 .64 .24 180 360 .04
  body box .2 .12 .8 .94
  trim box .3 .66 .7 .88
  dark line .22 .34 .78 .34 .025
handbag
  dark arc .3 .06 .7 .62 180 360 .045
  body poly .16 .34 .84 .34 .94 .88 .06 .88
  pale box .45 .36 .55 .44
suitcase
  dark box .38 .03 .62 .07
  dark line .4 .05 .4 .2 .03
  dark line .6 .05 .6 .2 .03
  body box .22 .17 .78 .9
  dark oval .26 .89 .36 .98
  dark oval .64 .89 .74 .98
lamp
  dark line .5 .5 .5 .86 .05
  dark oval .3 .84 .7 .95
  body poly .34 .06 .66 .06 .88 .56 .12 .56
cushion
  body poly .08 .08 .5 .14 .92 .08 .86 .5 .92 .92 .5 .86 .08 .92 .14 .5
  trim oval .05 .05 .11 .11
  trim oval .05 .89 .11 .95
  trim oval .89 .05 .95 .11
  trim oval .89 .89 .95 .95
rug
  body poly .2 .28 .8 .28 .96 .74 .04 .74
  trim line .06 .74 .06 .8 .015
  trim line .18 .74 .18 .8 .015
  trim line .3 .74 .3 .8 .015
  trim line .42 .74 .42 .8 .015
  trim line .54 .74 .54 .8 .015
  trim line .66 .74 .66 .8 .015
  trim line .78 .74 .78 .8 .015
  trim line .92 .74 .92 .8 .015
curtain
  body poly .12 .1 .48 .1 .36 .52 .44 .94 .12 .94
  body poly .52 .1 .88 .1 .88 .94 .56 .94 .64 .52
  dark line .04 .08 .96 .08 .035
vase
  body poly .4 .06 .6 .06 .56 .28 .78 .52 .72 .8 .6 .94 .4 .94 .28 .8 .22 .52 .44 .28
  dark oval .39 .03 .61 .09
clock
  trim oval .06 .06 .94 .94
  body oval .12 .12 .88 .88
  dark line .5 .5 .5 .2 .03
  dark line .5 .5 .7 .6 .035
mug
  trim arc .58 .3 .96 .74 270 90 .06
  body box .14 .18 .74 .88
  trim oval .14 .13 .74 .25
plate
  body oval .04 .04 .96 .96
  trim arc .18 .18 .82 .82 0 360 .05
kettle
  dark arc .3 .02 .74 .52 180 360 .05
  trim poly .74 .5 .96 .3 .98 .38 .76 .7
  body poly .32 .28 .7 .28 .82 .9 .18 .9
pan
  dark line .6 .4 .97 .1 .08
  trim oval .03 .26 .71 .94
  body oval .08 .31 .66 .89
apron
  trim arc .38 0 .62 .24 180 360 .03
  body poly .36 .12 .64 .12 .68 .38 .88 .44 .84 .94 .16 .94 .12 .44 .32 .38
  trim box .36 .6 .64 .78
bottle
  dark box .4 .03 .6 .16
  body poly .4 .15 .6 .15 .7 .3 .7 .95 .3 .95 .3 .3
phone
  body box .26 .04 .74 .96
  dark box .31 .08 .49 .28
  pale oval .34 .1 .42 .18
case
  trim box .22 .03 .78 .97
  body box .26 .07 .74 .93
  pale box .3 .1 .46 .24
headphones
  trim arc .14 .08 .86 .9 180 360 .08
  body box .06 .44 .36 .9
  body box .64 .44 .94 .9
watch
  body box .36 .02 .64 .98
  dark box .26 .28 .74 .72
  body box .31 .33 .69 .67
speaker
  body box .24 .05 .76 .95
  dark oval .32 .12 .5 .3
  dark arc .3 .5 .7 .9 0 360 .05
keyboard
  body box .02 .3 .98 .72
  pale box .07 .35 .14 .41
  pale box .07 .6 .14 .66
  pale box .21 .35 .28 .41
  pale box .21 .6 .28 .66
  pale box .35 .35 .42 .41
  pale box .35 .6 .42 .66
  pale box .57 .35 .64 .41
  pale box .57 .6 .64 .66
  pale box .71 .35 .78 .41
  pale box .71 .6 .78 .66
  pale box .85 .35 .92 .41
  pale box .85 .6 .92 .66
powerbank
  body box .16 .26 .84 .78
  dark box .76 .44 .84 .58
  pale oval .2 .32 .25 .37
teddy
  trim oval .22 .04 .42 .24
  trim oval .58 .04 .78 .24
  trim oval .06 .46 .3 .72
  trim oval .7 .46 .94 .72
  trim oval .16 .76 .42 .98
  trim oval .58 .76 .84 .98
  body oval .22 .4 .78 .94
  body oval .26 .08 .74 .5
  dark oval .38 .22 .44 .28
  dark oval .56 .22 .62 .28
blocks
  trim box .12 .36 .24 .48
  trim box .32 .36 .44 .48
  trim box .56 .36 .68 .48
  trim box .76 .36 .88 .48
  body box .05 .44 .95 .9
  trim box .3 .1 .42 .22
  trim box .54 .1 .66 .22
  body box .24 .18 .74 .46
kite
  body poly .5 .03 .86 .38 .5 .82 .14 .38
  trim line .5 .8 .62 .98 .03
  trim line .14 .38 .86 .38 .015
car
  body poly .04 .5 .24 .46 .36 .26 .68 .26 .82 .46 .96 .52 .96 .72 .04 .72
  pale poly .34 .44 .41 .31 .5 .31 .5 .44
  dark oval .14 .6 .36 .82
  dark oval .64 .6 .86 .82
book
  pale box .24 .08 .84 .94
  body box .16 .06 .8 .92
  pale box .28 .14 .7 .26
  dark line .19 .06 .19 .92 .03
album
  pale box .06 .2 .96 .86
  body box .04 .16 .93 .82
  pale oval .66 .26 .82 .42
notebook
  body box .22 .06 .84 .94
  dark oval .16 .12 .27 .17
  dark oval .16 .24 .27 .29
  dark oval .16 .36 .27 .41
  dark oval .16 .48 .27 .53
  dark oval .16 .6 .27 .65
  dark oval .16 .72 .27 .77
  dark oval .16 .84 .27 .89
mat
  body poly .28 .3 .96 .3 .78 .8 .1 .8
  trim oval .02 .68 .2 .9
  trim line .12 .88 .78 .84 .08
racket
  dark line .42 .62 .2 .97 .07
  trim oval .28 .02 .84 .7
  body oval .33 .07 .79 .65
ball
  body oval .05 .05 .95 .95
  dark arc .05 .05 .95 .95 0 360 .025
  dark arc .55 .05 1.25 .95 110 250 .02
tent
  body poly .5 .12 .98 .86 .02 .86
  dark poly .5 .42 .62 .86 .38 .86
  trim line .02 .87 .98 .87 .03
helmet
  body pie .06 .16 .94 1.16 180 360
  dark box .04 .62 .96 .7
  dark arc .24 .5 .72 .94 20 160 .025
skateboard
  body box .02 .4 .98 .62
  dark oval .14 .6 .28 .76
  dark oval .72 .6 .86 .76
  pale oval .18 .64 .24 .71
  pale oval .76 .64 .82 .71
"""


def _parse(drawings: str) -> dict[str, tuple[Part, ...]]:
    shapes: dict[str, tuple[Part, ...]] = {}
    name = ""
    for line in drawings.splitlines():
        if line.startswith(" "):
            paint, form, *numbers = line.split()
            shapes[name] += (Part(paint, form, tuple(map(float, numbers))),)
        else:
            name = line
            shapes[name] = ()
    return shapes


SHAPES = _parse(_DRAWINGS.strip())
"""The drawing of each shape, by its name."""
