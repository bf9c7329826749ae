"""Modules become one script: what each declares stays its own, and other forms are refused."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from pe_dvc.usecases.site.script_bundle import bundle

ONE = """\
import { twice as double } from "./two.js";
import { twice } from "./two.js";

const own = "one";
console.log(JSON.stringify([own, double(2), twice(3)]));
"""
TWO = """\
const own = 2;
/** @param {number} value */
export function twice(value) {
  return own * value;
}
"""


def test_what_is_declared_twice_stays_apart() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("!!! not tested, as there is no Node.js: apt-get install nodejs")
    script = bundle({"one.js": ONE, "two.js": TWO}, ["one.js"])
    done = subprocess.run([node, "-e", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["one", 4, 6]


def test_a_module_is_there_once() -> None:
    script = bundle({"one.js": ONE, "two.js": TWO}, ["two.js", "one.js", "one.js"])
    assert script.count("function twice") == 1


@pytest.mark.parametrize(
    "line",
    [
        'import * as all from "./two.js";',
        'import "./two.js";',
        "export default twice;",
        "export { twice };",
        "export let counter = 0;",
        "await twice(1);",
        "const html = '</script>';",
        "const html = '<!--';",
    ],
)
def test_another_form_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"one\.js cannot be put into one file"):
        bundle({"one.js": f"{line}\n", "two.js": TWO}, ["one.js"])


def test_modules_that_import_each_other_are_refused() -> None:
    modules = {
        "one.js": 'import { two } from "./two.js";\n',
        "two.js": 'import { one } from "./one.js";\n',
    }
    with pytest.raises(ValueError, match=r"one\.js imports itself, by way of two\.js"):
        bundle(modules, ["one.js"])
