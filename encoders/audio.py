"""Sound by how its spectrum is and moves, nothing learned. (Networks from a folder are in audio_model.py.)

    m(t, b) = log(mel(t, b) + floor)       64 bands, windows of 25 ms every 10 ms
    c(t)    = 2nd to 21st of DCT_b m(t)    the shape of a spectrum (MFCC, Davis and Mermelstein 1980), not its loudness
    vector  = [mean_t c;  std_t c;  mean_t |c(t + 1) - c(t)|;  the course of mean_b m at 32 times, less its mean]

each part scaled to length 1, the whole too. How loud a recording is falls out. This is a baseline: it tells timbres and
kinds of sound apart, not what is said or sung.
"""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.fft import dct

from encoders.base import Vectors
from encoders.weights import unit

Samples = NDArray[np.float32]
RATE, WINDOW, HOP, FFT = 16_000, 400, 160, 512
"""Samples a second; samples of a window, between two windows, and of the transform."""
BANDS, LOWEST, HIGHEST = 64, 60.0, 7800.0
"""Mel bands, and hertz that they cover."""
SHAPE, COURSE = 20, 32
"""Coefficients of a spectrum's shape, and times at which loudness is looked at."""
FLOOR = 1e-5
"""Of the power in a band, far below what is heard beside a full tone."""


class LogMelEncoder:
    """Sounds at 16,000 samples a second, one channel, (samples,) each, to 92 numbers."""

    name, dim, rate = "log-mel", 3 * SHAPE + COURSE, RATE
    fingerprint = "log-mel/1"

    def __init__(self) -> None:
        from transformers.audio_utils import mel_filter_bank

        self._filters: NDArray[np.float64] = mel_filter_bank(FFT // 2 + 1, BANDS, LOWEST, HIGHEST, RATE, "slaney")

    def encode(self, batch: Sequence[Samples]) -> Vectors:
        """(n, 92) unit rows; silence and nothing at all give zeros."""
        rows = [self._statistics(sound) for sound in batch]
        return unit(np.array(rows, np.float32)) if rows else np.zeros((0, self.dim), np.float32)

    def _statistics(self, sound: Samples) -> NDArray[np.float64]:
        if not np.any(sound):
            return np.zeros(self.dim)
        padded = np.pad(sound, (0, max(0, WINDOW - len(sound)))).astype(np.float64)
        windows = sliding_window_view(padded, WINDOW)[::HOP] * np.hanning(WINDOW)  # (windows, 400)
        power = np.abs(np.fft.rfft(windows, FFT)) ** 2 / WINDOW  # (windows, 257)
        mel = np.log(power @ self._filters + FLOOR)  # (windows, bands)
        shape = dct(mel, norm="ortho")[:, 1 : SHAPE + 1]
        steps = np.abs(np.diff(shape, axis=0)).mean(axis=0) if len(shape) > 1 else np.zeros(SHAPE)
        loud = mel.mean(axis=1)
        course = np.interp(np.linspace(0, len(loud) - 1, COURSE), np.arange(len(loud)), loud)
        parts = (shape.mean(axis=0), shape.std(axis=0), steps, course - course.mean())
        return np.concatenate([part / max(float(np.linalg.norm(part)), 1e-9) for part in parts])
