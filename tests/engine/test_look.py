"""Search with a picture, on a shop of drawings: alone, beside words, and with whatever people may send."""

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from encoders.tune_images import Labelled, Settings, tune_images
from engine import Engine
from engine import config as configuration
from engine.config import Encoders
from engine.demo.shop import generate
from engine.errors import DataError
from engine.search.look import SHARE, beside, looks, opened
from engine.search.vectors import QueryEncoders
from engine.service.app import create
from engine.service.guard import LARGEST_UPLOAD
from engine.service.settings import Settings as Serving
from tests.engine.command import weft

WORDS = ["words", "graph", "named", "meaning", "picture"]


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a shop with pictures, where as little as possible is learned, to be quick."""
    folder = tmp_path_factory.mktemp("look")
    generate(folder, products=120, users=40)
    Engine.build(quick(folder / "weft.toml")).save(folder / "artefact")
    return folder / "artefact"


def quick(path: Path) -> configuration.Config:
    """What a file says, with as little as possible to learn."""
    chosen = configuration.load(path)
    few = {
        name: part.model_copy(update={"enabled": name in ("content", "popularity")}) for name, part in chosen.candidates
    }
    changes = {"candidates": chosen.candidates.model_copy(update=few)}
    changes["fusion"] = chosen.fusion.model_copy(update={"rerank": False, "gate": False})
    return chosen.model_copy(update=changes)


@pytest.fixture(scope="module")
def engine(artefact: Path) -> Engine:
    return Engine.load(artefact)


@pytest.fixture(scope="module")
def pictured(engine: Engine) -> pl.DataFrame:
    return engine.catalogue.items.drop_nulls("image")


@pytest.fixture(scope="module")
def client(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    return TestClient(create(engine, tmp_path_factory.mktemp("events") / "log"), raise_server_exceptions=False)


def test_an_items_own_picture_finds_it(engine: Engine, pictured: pl.DataFrame) -> None:
    for item, path in pictured.select("item_id", "image").head(10).iter_rows():
        best = engine.search(image=path, n=5)
        assert best[0].score == pytest.approx(1)
        assert item in {one.item_id for one in best if one.score == pytest.approx(best[0].score, abs=1e-4)}


def test_a_path_bytes_and_a_picture_in_memory_are_one(engine: Engine, pictured: pl.DataFrame) -> None:
    path = Path(pictured["image"][0])
    with Image.open(path) as held:
        ways = [engine.search(image=picture, n=20) for picture in (path, str(path), path.read_bytes(), held)]
    assert all(way == ways[0] for way in ways)


def test_contributions_sum_to_the_score(engine: Engine, pictured: pl.DataFrame) -> None:
    path, user = pictured["image"][3], str(engine.catalogue.interactions["user_id"][0])
    alone = engine.search(image=path, user=user)
    assert all(list(one.contributions) == ["looks", "taste"] for one in alone)
    both = engine.search("in red", image=path, user=user)
    assert all(list(one.contributions) == [*WORDS, "looks", "taste"] for one in both)
    for one in alone + both:
        assert sum(one.contributions.values()) == pytest.approx(one.score)
    assert any(one.contributions["taste"] > 0 for one in alone)
    assert "looks" not in engine.search("in red")[0].contributions


def test_words_beside_a_picture_change_the_list(engine: Engine, pictured: pl.DataFrame) -> None:
    """This, in another colour: of the best five more are of that colour than without the word."""
    shoes = pictured.filter(pl.col("category") == "Shoes > Sport shoes").row(0, named=True)
    colours = dict(engine.catalogue.items.select("item_id", "colour").iter_rows())

    def of_colour(query: str | None) -> int:
        return sum("black" in (colours[one.item_id] or []) for one in engine.search(query, image=shoes["image"], n=5))

    assert of_colour("black") > of_colour(None)


def test_conditions_exclusions_and_rows_without_a_picture(engine: Engine, pictured: pl.DataFrame) -> None:
    path = pictured["image"][0]
    everything = engine.search(image=path, n=1000)
    assert {one.item_id for one in everything} <= set(pictured["item_id"])
    assert engine.search(image=path, n=1, exclude=[everything[0].item_id]) == everything[1:2]
    nike = engine.search(image=path, n=1000, where={"brand": "Nike"})
    assert nike == [one for one in everything if one in nike]


class Flat:
    """Vectors of an encoder with two numbers, in place of pictures."""

    def __init__(self, row: list[float]) -> None:
        self.settings = Encoders()
        self.row = np.array(row, np.float32)

    def picture(self, picture: Image.Image) -> np.ndarray:
        return self.row


def test_looks_by_hand() -> None:
    """Cosines 1, .6, -1 have the mean .2; the last row has no picture."""
    rows = np.array([[1, 0], [0.6, 0.8], [-1, 0], [0, 0]], np.float32)
    found = looks(Image.new("RGB", (4, 4)), Flat([1, 0]), rows)  # type: ignore[arg-type]  # all that it asks of it
    assert found == pytest.approx([1, 0.5, 0, 0])
    alike = looks(Image.new("RGB", (4, 4)), Flat([1, 0]), rows[[0, 0, 3]])  # type: ignore[arg-type]
    assert alike.tolist() == [1, 1, 0]


def test_shares_by_hand() -> None:
    one, two = np.array([0.25, 1]), np.array([1, 0.5])
    assert beside({"words": one}, None)["words"].tolist() == one.tolist()
    assert beside({}, two)["looks"].tolist() == two.tolist()
    both = beside({"words": one}, two)
    assert both["words"] == pytest.approx((1 - SHARE) * one)
    assert both["looks"] == pytest.approx(SHARE * two)


def test_nothing_to_search_for(engine: Engine) -> None:
    with pytest.raises(DataError, match="a query, an image, or both"):
        engine.search()
    with pytest.raises(DataError, match="no letter or digit"):
        engine.search("?!", image=Image.new("RGB", (9, 9)))


def test_an_engine_that_reads_no_pictures_says_so() -> None:
    none, some = np.zeros((3, 1), np.float32), QueryEncoders(Encoders())
    with pytest.raises(DataError, match=r"built without encoders\.image"):
        looks(Image.new("RGB", (9, 9)), QueryEncoders(Encoders(image="")), none)
    with pytest.raises(DataError, match="no item has a picture"):
        looks(Image.new("RGB", (9, 9)), some, none)


def test_an_encoder_that_was_tuned_stands_in_the_configuration(tmp_path: Path) -> None:
    """By the name of its folder, from that of the file; it reads no words."""
    generate(tmp_path, products=100, users=20)
    items = pl.read_parquet(tmp_path / "items.parquet").drop_nulls(["image", "category"])
    kinds = [path.partition(" ")[0] for path in items["category"]]
    known = [row for row, kind in enumerate(kinds) if kinds.count(kind) > 1]
    given = Labelled([tmp_path / items["image"][row] for row in known], [kinds[row] for row in known])
    tune_images(given, Settings(epochs=1, views=1, side=64, window=4, batch=8)).save(tmp_path / "tuned", {})
    path = tmp_path / "weft.toml"
    path.write_text(path.read_text().replace('clip = "weft-small"', 'clip = "weft-small"\nimage = "tuned"'))
    engine = Engine.build(quick(path))
    assert engine.ranker.features.image.shape[1] == 256
    best = engine.search(image=given.paths[0], n=3)
    assert best[0].contributions["looks"] == pytest.approx(1)
    assert not any(one.contributions["picture"] for one in engine.search("white shoes"))


def content(form: str, **more: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)).save(buffer, form, **more)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (b"", "empty"),
        (b"white sneakers", "not a picture"),
        (content("PNG")[:3000], "truncated"),
        (Path("nowhere.jpg"), r"nowhere\.jpg.*missing"),
        ("nowhere.jpg", r"nowhere\.jpg.*missing"),
        (Image.new("1", (70_000, 1000)), "70000 x 1000, more than 64000000 pixels"),
        (Image.new("RGB", (0, 10)), "empty"),
    ],
)
def test_what_is_no_picture_is_told(picture: object, reason: str) -> None:
    with pytest.raises(DataError, match=f"cannot be used.*{reason}|{reason}"):
        opened(picture)  # type: ignore[arg-type]


def test_of_an_animation_the_first_frame_counts() -> None:
    red, blue = (Image.new("RGB", (16, 16), name) for name in ("red", "blue"))
    buffer = io.BytesIO()
    red.save(buffer, "GIF", save_all=True, append_images=[blue])
    assert opened(buffer.getvalue()).getpixel((8, 8)) == (255, 0, 0)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.binary(max_size=300),
        st.builds(
            lambda form, at, put: content(form)[:at] + put + content(form)[at + len(put) :],
            st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"]),
            st.integers(0, 2000),
            st.binary(min_size=1, max_size=40),
        ),
        st.builds(lambda form, at: content(form)[:at], st.sampled_from(["JPEG", "PNG", "WEBP"]), st.integers(0, 3000)),
    )
)
def test_bytes_are_a_picture_or_a_reason(data: bytes) -> None:
    try:
        assert opened(data).mode == "RGB"
    except DataError as error:
        assert "cannot be used: " in str(error)


def post(client: TestClient, data: bytes, **fields: object) -> object:
    return client.post("/v1/search", files={"image": ("photo", data)}, data=fields)


def test_over_http_it_is_the_list_of_the_engine(client: TestClient, engine: Engine, pictured: pl.DataFrame) -> None:
    path = Path(pictured["image"][0])
    found = post(client, path.read_bytes(), n=5).json()
    assert [one["item_id"] for one in found["items"]] == [one.item_id for one in engine.search(image=path, n=5)]
    assert found["personal"] is False
    asked = {"q": "in red", "user": "u0001", "n": 4, "where": '{"price": [null, 900]}', "personal": 1}
    both = post(client, path.read_bytes(), **asked).json()
    expected = engine.search("in red", image=path, user="u0001", n=4, where={"price": (None, 900)}, personal=1)
    assert both["personal"] is True
    assert [(one["item_id"], one["contributions"]) for one in both["items"]] == [
        (one.item_id, pytest.approx(one.contributions, abs=1e-4)) for one in expected
    ]
    past = post(client, path.read_bytes(), history=["p0001", "p0002"], exclude=[expected[0].item_id]).json()
    assert past["personal"] is True
    assert expected[0].item_id not in {one["item_id"] for one in past["items"]}


def test_over_http_it_is_by_the_arm_of_the_user(engine: Engine, pictured: pl.DataFrame, tmp_path: Path) -> None:
    arms = '[{ name = "none", settings = { personal = 0 } }, { name = "half", weight = 1e-6 }]'
    (tmp_path / "file").write_text(f'[[experiment]]\nname = "taste"\non = "search"\narms = {arms}\n')
    data = Path(pictured["image"][0]).read_bytes()
    with TestClient(create(engine, tmp_path / "log", None, Serving(experiments=tmp_path / "file"))) as client:
        found = post(client, data, user="u0001", personal=1).json()
        plain = post(client, data, personal=1).json()
        told = client.get("/v1/experiments/taste/results").json()
    assert (found["experiment"], found["arm"], found["personal"]) == ("taste", "none", False)
    assert [one["item_id"] for one in found["items"]] == [one["item_id"] for one in plain["items"]]
    assert plain["experiment"] is None and told["arms"][0]["exposed"] == told["waiting"] == 1


@pytest.mark.parametrize(
    ("data", "fields", "status", "detail"),
    [
        (b"no picture", {}, 422, "not a picture"),
        (b"", {}, 422, "empty"),
        (content("PNG"), {"n": 0}, 422, "body.n"),
        (content("PNG"), {"q": "?!"}, 422, "no letter or digit"),
        (content("PNG"), {"q": "x" * 2001}, 422, "body.q"),
        (content("PNG"), {"where": "{"}, 422, "where"),
        (content("PNG"), {"user": "u", "history": "p0001"}, 422, "either a user or a history"),
        (content("PNG"), {"exclude": "nothing"}, 404, "'nothing'"),
        (b"x" * (LARGEST_UPLOAD + 1), {}, 413, "at most 16777216 bytes"),
    ],
)
def test_over_http_mistakes_are_told(
    client: TestClient, data: bytes, fields: dict[str, object], status: int, detail: str
) -> None:
    answer = post(client, data, **fields)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert detail in answer.json()["detail"]


def test_over_http_only_a_picture_may_be_large(client: TestClient) -> None:
    assert client.post("/v1/events", content=b" " * (2 << 20)).status_code == 413
    assert client.post("/v1/search", data={"q": "white"}).status_code == 422  # no picture
    large = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (900, 900, 3), np.uint8)).save(large, "PNG")
    assert len(large.getvalue()) > 2 << 20
    assert post(client, large.getvalue(), n=1).status_code == 200


def test_on_the_command_line(artefact: Path, pictured: pl.DataFrame, tmp_path: Path) -> None:
    found = weft("search", artefact, "--image", pictured["image"][0], "-n", 2)
    assert found.exit_code == 0
    assert "looks +1.00" in found.output
    both = weft("search", artefact, "in red", "--image", pictured["image"][0], "-n", 2)
    assert "looks +" in both.output
    (tmp_path / "no.jpg").write_text("no picture")
    wrong = weft("search", artefact, "--image", tmp_path / "no.jpg")
    assert wrong.exit_code == 2
    assert "not a picture" in wrong.output
    neither = weft("search", artefact)
    assert neither.exit_code == 2
    assert "a query, --image, or both" in neither.output
