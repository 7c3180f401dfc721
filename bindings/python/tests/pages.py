"""Writes the Python code of README.md and docs/ into modules, as a user would have it: for type checkers. In a checkout
of the repository, also that of its README.md and docs/.

Usage: pages.py DIRECTORY

Functions without annotations get none: `--strict` would ask them of every page. The names that a page leaves to its
reader come first.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
REPOSITORY = PACKAGE.parent.parent
BLOCK = re.compile(r"^```python\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
READER = "import connectcreds\n\nsession_token: str = ''\nbase_url: str = ''\nurl: str = ''\n"
#: mypy alone knows the comment; pyright infers.
RELAXED = (
    "# mypy: allow-untyped-defs, allow-untyped-calls, allow-any-generics\n"
    '# mypy: disable-error-code="no-redef, import-untyped"\n'
)


def main(directory: Path) -> None:
    pages = [PACKAGE / "README.md", *sorted((PACKAGE / "docs").glob("*.md"))]
    if (REPOSITORY / "include/connectcreds.h").exists():
        pages += [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
    for page in pages:
        text = page.read_text()
        if page.parent == PACKAGE / "docs":
            sections = re.split(r"^## ", text, flags=re.MULTILINE)
            parts = {f"{page.stem}_{index}": part for index, part in enumerate(sections)}
        else:
            parts = {str(page.relative_to(REPOSITORY).with_suffix("")): text}
        for name, part in parts.items():
            blocks = BLOCK.findall(part)
            if not blocks:
                continue
            missing = sorted(filter(is_missing, imports("\n".join(blocks))))
            if missing:
                print(f"pages.py: {page.name} {name}: left out, there is no {', '.join(missing)}", file=sys.stderr)
                continue
            module = re.sub(r"\W", "_", name)
            (directory / f"{module}.py").write_text("\n".join([RELAXED, READER, *blocks]))


def imports(code: str) -> set[str]:
    """Returns the modules that the code imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found.update(each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            # `from databricks import sql`
            found.update(f"{node.module}.{each.name}" for each in node.names if node.module == "databricks")
    return found


def is_missing(module: str) -> bool:
    """Returns whether a module is not installed; this package's are not imported, as that would load the library."""
    if module.startswith("connectcreds"):
        return False
    try:
        return importlib.util.find_spec(module) is None
    except ModuleNotFoundError:
        return True


if __name__ == "__main__":
    main(Path(sys.argv[1]))
