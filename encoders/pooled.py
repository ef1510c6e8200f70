"""What makes one row of a text out of the states of its tokens."""

import torch
from torch import nn


class Pooled(nn.Module):
    """A model of transformers, and the mean over the tokens of its last states, or the first one's."""

    def __init__(self, model: nn.Module, first: bool) -> None:
        super().__init__()
        self.model, self.first = model, first

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """(n, tokens) each to (n, dim)."""
        states: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask[..., None]
        return states[:, 0] if self.first else (states * mask).sum(1) / mask.sum(1)
