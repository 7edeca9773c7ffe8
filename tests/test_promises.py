"""The house rules, as far as a program can judge them."""

import ast
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.codes import CODES
from gateway.decoders import BUILT_IN
from gateway.errors import Cause
from gateway.profile import check_examples, load_profile

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*ROOT.glob("gateway/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")])
TESTS = sorted([*ROOT.glob("tests/**/*.py"), *ROOT.glob("plugins/*/tests/**/*.py")])
TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
FUNCTIONS = [
    (name, node)
    for name, tree in TREES.items()
    for node in ast.walk(tree)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
]

MODULE_LINES, FUNCTION_LINES, USUAL_FUNCTION_LINES = 300, 50, 30


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_modules_stay_short() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8").count("\n") for path in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines >= MODULE_LINES} == {}


def test_functions_stay_short() -> None:
    long = [f"{name}:{node.lineno} {node.name}" for name, node in FUNCTIONS if _length(node) >= FUNCTION_LINES]
    assert long == []


def test_nine_functions_in_ten_fit_into_thirty_lines() -> None:
    longer = [f"{name}:{node.lineno} {node.name}" for name, node in FUNCTIONS if _length(node) >= USUAL_FUNCTION_LINES]
    assert len(longer) <= len(FUNCTIONS) / 10, longer


@pytest.mark.parametrize("name", TREES)
def test_a_module_says_what_it_is_in_one_sentence(name: str) -> None:
    docstring = ast.get_docstring(TREES[name])
    assert docstring, "no docstring"
    assert docstring.endswith(".")
    assert "\n\n" not in docstring, "more than one paragraph"
    assert not re.search(r"\.\s+[A-Z]", docstring), "more than one sentence"
    assert " and " not in docstring, "two things: split the module, or find the noun that covers both"


BROAD = {"Exception", "BaseException"}


def _broad(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(each is None or (isinstance(each, ast.Name) and each.id in BROAD) for each in caught)


def test_only_the_call_into_a_third_partys_sink_catches_everything() -> None:
    broad = [
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and _broad(node)
    ]
    assert len(broad) <= 1, broad


def test_no_class_is_called_after_a_vague_job() -> None:
    classes = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and re.search("Manager|Handler|Helper|Util", node.name)
    ]
    assert classes == []


def test_imports_keep_to_the_floors() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_tests_neither_mock_nor_sleep() -> None:
    names = re.compile(r"\b(unittest\.mock|MagicMock|monkeypatch\.setattr|mocker)\b|\btime\.sleep\(")
    found = [str(path) for path in TESTS if path != Path(__file__) and names.search(path.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("profiles/*.toml")), ids=lambda path: path.stem)
def test_a_shipped_profiles_examples_give_the_readings_it_promises(path: Path) -> None:
    profile = load_profile(path.read_text(encoding="utf-8"), str(path))
    check_examples(profile, BUILT_IN)


@pytest.mark.parametrize("name", ["messages.md", "session.md"])
def test_a_generated_page_tells_what_the_program_does(name: str) -> None:
    pages = runpy.run_path(str(ROOT / "docs" / "generate.py"))["PAGES"]
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == pages[name](), "run `make docs`"


CODE = re.compile(r"[EW]-[A-Z]+-\d+")


def test_the_codes_that_are_raised_are_the_codes_that_are_explained() -> None:
    used = {
        node.value
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
    }
    assert used - set(CODES) == set(), "not explained in gateway/codes.toml"
    assert set(CODES) - used == set(), "explained, but never raised"


def _signature(node: ast.FunctionDef) -> str:
    returns = "" if node.returns is None else f" -> {ast.unparse(node.returns)}"
    return f"def {node.name}({ast.unparse(node.args)}){returns}".replace("'", "").replace('"', "")


def _hook_signatures(source: str) -> set[str]:
    return {
        _signature(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
        and any(ast.unparse(decorator).startswith("hookspec") for decorator in node.decorator_list)
    }


def test_the_hooks_in_the_plugin_guide_have_the_signatures_of_the_program() -> None:
    guide = (ROOT / "docs" / "plugin.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    documented = set[str]().union(*(_hook_signatures(block) for block in blocks if "@hookspec" in block))
    assert documented == _hook_signatures((ROOT / "gateway" / "hooks.py").read_text(encoding="utf-8"))


def _cli_constants() -> dict[str, int]:
    return {
        target.id: node.value.value
        for name, tree in TREES.items()
        if name.startswith("gateway/cli/")
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, int)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def test_every_exit_code_is_documented() -> None:
    constants = _cli_constants()
    used = {
        argument.value if isinstance(argument, ast.Constant) else constants.get(ast.unparse(argument))
        for name, tree in TREES.items()
        if name.startswith("gateway/cli/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in {"Exit", "exit", "fail"}
        for argument in node.args[-1:]
    }
    page = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    assert used - {None} - documented == set()
    assert len(documented) == page.count("\n| ") - 2, "a code stands twice"


def test_every_cause_of_a_gap_is_documented() -> None:
    page = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8").partition("## Every due slot")[2]
    documented = set(re.findall(r"^\| ([a-z_]+) \|", page.partition("\n## ")[0], re.MULTILINE)) - {"cause"}
    # No visit ends so yet: what cannot be decoded is one bad reading of a good readout.
    assert documented == set(Cause) - {Cause.DECODE}


def _printed(data: bytes) -> bytes:
    """Without line ends, so that a telegram written over several lines is found as well."""
    return re.sub(rb"\\r|\\n|[\r\n]", b"", data)


def test_no_captured_telegram_is_copied_into_the_repository(vectors: Path) -> None:
    suffixes = {".py", ".toml", ".md", ".bin", ".txt", ".json", ".hex", ".csv"}
    folders = ("gateway", "plugins", "profiles", "tests", "benchmarks", "docs")
    ours = b"\0".join(
        _printed(path.read_bytes())
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in suffixes and path.is_file()
    )
    window, step = 64, 32
    for capture in sorted(vectors.glob("*.bin")):
        data = _printed(bytes(octet & 0x7F for octet in capture.read_bytes()))
        copied = [start for start in range(0, len(data) - window, step) if data[start : start + window] in ours]
        assert copied == [], capture.name
