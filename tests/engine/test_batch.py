"""Lists that are asked for at the same time are those that each would get alone."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from engine import Engine
from engine.engine import Recommendation
from engine.errors import DataError, UnknownIdError
from engine.service.batch import Asked, Made, Together
from engine.service.eventlog import EventLog
from engine.service.live import Live


async def asked(live: Live, all_: list[Asked]) -> list[Made | BaseException]:
    """All at once: the thread finds them waiting when it is free."""
    together = Together(live)
    with live.turn:
        tasks = [asyncio.create_task(together.recommend(one)) for one in all_]
        await asyncio.sleep(0.05)
    found = await asyncio.gather(*tasks, return_exceptions=True)
    together.close()
    return found


def alone(engine: Engine, one: Asked) -> list[Recommendation] | type[Exception]:
    try:
        return engine.recommend(one.user, one.history, **one.how)
    except (DataError, UnknownIdError) as error:
        return type(error)


def test_each_gets_the_list_that_it_would_get_alone(
    eight: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = replace(eight)
    users = engine.catalogue.interactions["user_id"].unique().sort().to_list()[:5]
    item = engine.state.lookup.ids[0]
    plain = {"n": 3, "exclude": [], "where": {}, "context": [], "mode": "fused", "diversity": None, "explore": None}
    wanted = [Asked(user, None, plain) for user in [*users, "nobody", *users]]
    wanted += [Asked(user, None, plain | {"exclude": [item]}) for user in users]
    wanted += [Asked(None, [item], plain), Asked(users[0], None, plain | {"context": [item]})]
    wanted += [Asked(users[0], None, plain | {"mode": "interest"}), Asked(users[0], None, plain | {"diversity": 2.0})]
    wanted += [Asked(user, None, plain | {"exclude": ["unheard of"]}) for user in users[:2]]
    wanted += [Asked(users[0], None, plain | {"where": {"unheard of": 1}}), Asked(None, None, plain)]
    sizes = []
    batch = Engine.recommend_batch
    monkeypatch.setattr(
        Engine, "recommend_batch", lambda self, some, **how: sizes.append(len(some)) or batch(self, some, **how)
    )
    live = Live(engine, EventLog(tmp_path / "events"))
    found = asyncio.run(asked(live, wanted))
    for one, made in zip(wanted, found, strict=True):
        expected = alone(engine, one)
        if isinstance(expected, type):
            assert type(made) is expected
            continue
        assert isinstance(made, tuple), made
        assert [each.item_id for each in made[0]] == [each.item_id for each in expected]
        assert [each.score for each in made[0]] == pytest.approx([each.score for each in expected], abs=1e-5)
        assert made[1] == (one.user in users)
    assert max(sizes) > 2
    live.close()


def test_what_is_drawn_is_drawn_for_each_alone(eight: Engine) -> None:
    explores = eight.config.model_copy(
        update={"exploration": eight.config.exploration.model_copy(update={"places": 2})}
    )
    one = Asked("fan0", None, {"n": 3})
    assert one.alike(eight) is not None
    assert one.alike(Engine(replace(eight.state, config=explores))) is None
