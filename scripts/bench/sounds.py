"""How well the sound encoder that comes along tells timbres apart, on synthesised notes and chords of known classes.

No recordings are at hand: eight timbres (the harmonics, attack, decay and tremolo of each are drawn once), each played
at random pitches, as notes or chords, at random loudness, over noise. The question is which timbre it is, whatever is
played. So it flatters an encoder that looks at loudness over time, as recordings of single notes would.

    python scripts/bench/sounds.py --seeds 0 1 2
"""

import argparse
import time

import numpy as np
from numpy.typing import NDArray

from encoders.audio import RATE, LogMelEncoder, Samples
from encoders.weights import unit

TIMBRES = 8


def timbre(rng: np.random.Generator) -> dict[str, NDArray[np.float64] | float]:
    """Weights of twelve harmonics, seconds of attack and decay, and the depth and hertz of a tremolo."""
    harmonics = rng.random(12) ** 2 / np.arange(1, 13) ** rng.uniform(0.2, 2)
    return {
        "harmonics": harmonics / harmonics.sum(), "attack": rng.uniform(0.005, 0.3), "decay": rng.uniform(0.2, 2),
        "depth": rng.uniform(0, 0.6), "tremolo": rng.uniform(3, 9),
    }  # fmt: skip


def played(kind: dict[str, NDArray[np.float64] | float], rng: np.random.Generator, noise: float) -> Samples:
    """Two seconds of a note or a chord, at a pitch from 110 to 880 Hz."""
    at = np.arange(2 * RATE) / RATE
    root = 110 * 2 ** rng.uniform(0, 3)
    chord = [root * 2 ** (step / 12) for step in ([0], [0, 4, 7], [0, 3, 7])[rng.integers(3)]]
    harmonics = np.asarray(kind["harmonics"])
    sound = sum(
        weight * np.sin(2 * np.pi * pitch * number * at + rng.uniform(0, 6))
        for pitch in chord
        for number, weight in enumerate(harmonics, start=1)
        if pitch * number < RATE / 2
    )
    envelope = np.minimum(at / kind["attack"], 1) * np.exp(-at / kind["decay"])
    envelope = envelope * (1 - kind["depth"] * (1 + np.sin(2 * np.pi * kind["tremolo"] * at)) / 2)
    loud = rng.uniform(0.05, 0.5)
    return (loud * (envelope * sound / len(chord) + noise * rng.normal(size=len(at)))).astype(np.float32)


def spectrum(sounds: list[Samples]) -> NDArray[np.float32]:
    """(n, 257) the mean power spectrum: what a plain encoder would be."""
    rows = [
        np.square(np.abs(np.fft.rfft(sound[: len(sound) // 512 * 512].reshape(-1, 512)))).mean(0) for sound in sounds
    ]
    return unit(np.array(rows, np.float32))


def nearest(train: NDArray[np.float32], labels: NDArray[np.int64], test: NDArray[np.float32]) -> NDArray[np.int64]:
    """The label of the nearest of the five nearest's majority."""
    order = np.argsort(-(test @ train.T), axis=1, kind="stable")[:, :5]
    return np.array([np.bincount(labels[row], minlength=TIMBRES).argmax() for row in order])


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seeds", type=int, nargs="+", default=[0])
    asked.add_argument("--each", type=int, default=40, help="sounds of each timbre; half to learn from")
    asked.add_argument("--noise", type=float, nargs="+", default=[0.003, 0.1])
    given = asked.parse_args()
    encoder = LogMelEncoder()
    for noise in given.noise:
        for seed in given.seeds:
            rng = np.random.default_rng(seed)
            kinds = [timbre(rng) for _ in range(TIMBRES)]
            labels = np.repeat(np.arange(TIMBRES), given.each)
            sounds = [played(kinds[label], rng, noise) for label in labels]
            test = np.arange(len(labels)) % 2 == 1
            start = time.process_time()
            vectors = {"log-mel": encoder.encode(sounds)}
            seconds = time.process_time() - start
            vectors["spectrum"] = spectrum(sounds)
            right = {
                name: float((nearest(rows[~test], labels[~test], rows[test]) == labels[test]).mean())
                for name, rows in vectors.items()
            }
            shown = ", ".join(f"{name} {share:.3f}" for name, share in right.items())
            print(f"noise {noise} seed {seed}: {shown}, chance {1 / TIMBRES:.3f}; {1e3 * seconds / len(sounds):.1f} ms")


if __name__ == "__main__":
    main()
