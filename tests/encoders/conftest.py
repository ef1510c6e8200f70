"""Encoders are opened once for all tests."""

import pytest
import torch

import encoders


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """Converted weights go to a folder of their own, as on a fresh machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def multilingual(cache):
    return encoders.open_text("multilingual")


@pytest.fixture(scope="session")
def minilm(cache):
    return encoders.open_text("minilm")


@pytest.fixture(scope="session")
def lite0(cache):
    return encoders.open_image("efficientnet-lite0")


@pytest.fixture(scope="session")
def weft_small(cache):
    return encoders.open_clip("weft-small")
