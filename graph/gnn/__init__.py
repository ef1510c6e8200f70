"""A relational graph network that places an item by its edges and features: nobody needs to have met it.

Two rounds of messages over items and the entities that the graph says of them, of a choice of kinds (`messages`):

    entity   e' = e + message from its items
    item     m  = message from its entities' e', relation by relation
    result   W [relu(one vector a feature), relu(LayerNorm(m))]

It has no vector of an item's own: a new item is its features and edges. `objectives` says what it is trained for and
`train` how, `checkpoint` keeps it on the way; `placer` is what comes out, and `placing` is that at work. Only to train
and to place needs torch.
"""

from graph.gnn.placer import ItemGraph, Placer

__all__ = ["ItemGraph", "Placer"]
