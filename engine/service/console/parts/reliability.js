// Whether chances are what they say: what was expected against what was observed.

import {draw} from "../dom.js";
import {percent, say} from "../words/index.js";

const SIDE = 300, LEFT = 46, BOTTOM = 34;

export function reliabilityPicture({expected, observed}) {
  const most = 1.08 * Math.max(...expected, ...observed, 1e-9);
  const x = value => LEFT + (SIDE - LEFT - 8) * value / most, y = value => SIDE - BOTTOM - (SIDE - BOTTOM - 8) * value / most;
  const steps = [0, .25, .5, .75, 1].map(one => one * most / 1.08);
  const told = expected.map((one, at) => `${percent(one, 1)} → ${percent(observed[at], 1)}`).join("; ");
  return draw("svg", {class: "scatter", viewBox: `0 0 ${SIDE} ${SIDE}`, role: "img", "aria-label": `${say("chances")}: ${told}`},
    steps.map(step => [draw("line", {x1: LEFT, x2: SIDE - 8, y1: y(step), y2: y(step)}),
      draw("text", {x: LEFT - 6, y: y(step) + 4, "text-anchor": "end"}, percent(step, most < .4 ? 1 : 0)),
      draw("text", {x: x(step), y: SIDE - BOTTOM + 15, "text-anchor": "middle"}, percent(step, most < .4 ? 1 : 0))]),
    draw("line", {class: "even", x1: x(0), y1: y(0), x2: x(most), y2: y(most)}),
    draw("polyline", {points: expected.map((one, at) => `${x(one)},${y(observed[at])}`).join(" ")}),
    expected.map((one, at) => draw("circle", {cx: x(one), cy: y(observed[at]), r: 4})),
    draw("text", {x: (SIDE + LEFT) / 2, y: SIDE - 3, "text-anchor": "middle"}, say("chance.told")),
    draw("text", {x: 11, y: (SIDE - BOTTOM) / 2, "text-anchor": "middle", transform: `rotate(-90 11 ${(SIDE - BOTTOM) / 2})`}, say("chance.seen")));
}
