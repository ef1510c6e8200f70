"""What the network is trained for: three losses, added up by weight.

Shapes: found and wanted (items, targets), weights (targets,) how much a mistake there costs.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize, softplus


def regression(found: Tensor, wanted: Tensor, weights: Tensor) -> Tensor:
    """Mean weighted squared mistake: be where the item is."""
    return ((found - wanted).square() * weights).mean(0).sum()


def contrast(found: Tensor, wanted: Tensor, weights: Tensor, temperature: float) -> Tensor:
    """Be nearer to where the item is than to where the others are: InfoNCE (van den Oord et al. 2018, eq. 4).

    Cosines under `weights`; the other items of the batch are the negatives.
    """
    root = weights.sqrt()
    cosine = normalize(found * root, dim=1) @ normalize(wanted * root, dim=1).T  # (items, items)
    return cross_entropy(cosine / temperature, torch.arange(len(found)))


def links(
    heads: Tensor, tails: Tensor, edges: Tensor, relation: Tensor, vectors: Tensor, size: int, chance: torch.Generator
) -> Tensor:
    """Tell edges that the graph has from made-up ones: DistMult scores (Yang et al. 2015), ranked pair by pair.

    `size` edges are drawn; the made-up one of each keeps its head and relation and takes the tail of another. Shapes:
    heads (items, dim), tails (entities, dim), edges (2, n), relation (n,), vectors (relations, dim).
    """
    drawn = torch.randint(0, edges.shape[1], (size,), generator=chance)
    head, tail = edges[:, drawn]
    other = tail[torch.randperm(size, generator=chance)]
    asked = heads[head] * vectors[relation[drawn]]
    margin = (asked * (tails[tail] - tails[other])).sum(1) / heads.shape[1] ** 0.5
    return softplus(-margin).mean()
