"""No pickle, and nothing else that turns data into code: every source file is parsed and its calls are looked at."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(path for floor in ("engine", "graph", "encoders", "scripts") for path in (ROOT / floor).rglob("*.py"))

MODULES = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "jsonpickle", "runpy"}
BUILTINS = {"eval", "exec", "compile", "__import__"}
ATTRIBUTES = {
    "read_pickle", "to_pickle", "unsafe_load", "full_load", "load_all", "dump_session",
    "torch.save", "torch.jit.load", "torch.hub.load", "torch.package", "yaml.load",
}  # fmt: skip
REQUIRED = {  # calls that are safe with this argument only
    "torch.load": ("weights_only", True),
    "np.load": ("allow_pickle", False), "numpy.load": ("allow_pickle", False),
    "np.save": ("allow_pickle", False), "numpy.save": ("allow_pickle", False),
    "np.savez": ("allow_pickle", False), "np.savez_compressed": ("allow_pickle", False),
}  # fmt: skip
FORBIDDEN_ARGUMENTS = {"trust_remote_code": True, "allow_pickle": True, "weights_only": False, "shell": True}
PICKLE_SUFFIXES = {".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".bin", ".npy", ".npz", ".dill", ".shelve"}


def dotted(node):
    """`a.b.c` of an attribute or a name; an unknown start is left out."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


def imported(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def complaints(source):
    """What is wrong with a piece of source, as (line, words)."""
    found = []
    for node in ast.walk(ast.parse(source)):
        for name in imported(node):
            if name.split(".")[0] in MODULES or name in ATTRIBUTES | REQUIRED.keys():
                found.append((node.lineno, f"import of {name}"))
        if isinstance(node, ast.Attribute):
            name = dotted(node)
            if name in ATTRIBUTES or node.attr in ATTRIBUTES or name.split(".")[0] in MODULES:
                found.append((node.lineno, name))
        if isinstance(node, ast.Call):
            found += [(node.lineno, words) for words in complaints_of_call(node)]
        if isinstance(node, ast.Name) and node.id in BUILTINS:
            found.append((node.lineno, node.id))
    return found


def complaints_of_call(node):
    name = dotted(node.func)
    constants = {word.arg: word.value.value for word in node.keywords if isinstance(word.value, ast.Constant)}
    if name in REQUIRED:
        argument, value = REQUIRED[name]
        if constants.get(argument) is not value:
            yield f"{name} without {argument}={value}"
    for word in node.keywords:
        if (
            word.arg in FORBIDDEN_ARGUMENTS
            and constants.get(word.arg, FORBIDDEN_ARGUMENTS[word.arg]) is (FORBIDDEN_ARGUMENTS[word.arg])
        ):
            yield f"{name} with {word.arg}={ast.unparse(word.value)}"


def test_the_sources_are_looked_at():
    assert {"engine", "graph", "encoders"} <= {path.relative_to(ROOT).parts[0] for path in SOURCES}


def test_no_source_unpickles_or_runs_data():
    found = [
        f"{path.relative_to(ROOT)}:{line}: {words}"
        for path in SOURCES
        for line, words in complaints(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


def test_no_file_of_the_repository_is_of_a_pickling_format():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout: the files of the repository cannot be told from others")
    found = [name for name in listed.stdout.split("\0") if Path(name).suffix.lower() in PICKLE_SUFFIXES]
    assert not found


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import pickle as p",
        "from pickle import loads",
        "from joblib import load",
        "import cloudpickle",
        "from torch import load",
        "from torch import save",
        "from yaml import load",
        "from numpy import load",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=flag)",
        "torch.load(path, **options)",
        "torch.save(x, path)",
        "torch.hub.load('a', 'b')",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "numpy.load(path, allow_pickle=flag)",
        "np.save(path, x)",
        "archive.open(allow_pickle=flag)",
        "yaml.load(text)",
        "yaml.unsafe_load(text)",
        "pd.read_pickle(path)",
        "frame.to_pickle(path)",
        "eval(text)",
        "run = exec",
        "__import__(name)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
        "AutoModel.from_pretrained(name, trust_remote_code=flag)",
        "subprocess.run(line, shell=True)",
    ],
)
def test_the_search_finds(source):
    assert complaints(source)


@pytest.mark.parametrize(
    "source",
    [
        "model.eval()",
        "re.compile(text)",
        "torch.load(path, weights_only=True)",
        "np.load(path, allow_pickle=False)",
        "yaml.safe_load(text)",
        "AutoModel.from_pretrained(name, trust_remote_code=False)",
        "json.loads(text)",
        "tokenizer.save(path)",
        "# import pickle",
    ],
)
def test_the_search_passes(source):
    assert not complaints(source)
