"""Turns plain Markdown, which reads well on a forge, into what the site shows better.

Code blocks that follow one another in different languages become tabs, and links to files outside docs/ lead to the
repository.
"""

import os
import pathlib
import posixpath
import re
import shutil

TITLES = {"c": "C", "cpp": "C++", "r": "R", "python": "Python", "rust": "Rust", "go": "Go", "java": "Java", "javascript": "Node",
          "ruby": "Ruby", "lua": "LuaJIT", "perl": "Perl"}
FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```[ ]*$\n?", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")
# Where the files outside docs/ can be read. Relative to the site, it works for a checkout with the site in target/.
SOURCES = os.environ.get("CONNECTCREDS_SOURCES", "../../")


def on_post_build(config):
    here = pathlib.Path(__file__).parent
    shutil.copy(here / "iframe-worker.js", pathlib.Path(config.site_dir) / "assets")


def on_page_markdown(markdown, page, config, files):
    if page.file.src_uri == "claims.md":
        page.meta["search"] = {"exclude": True}  # it repeats what the other pages say
    return _tabs(_links(markdown, page.file.src_uri))


def _links(markdown, source):
    """Rewrites links that leave docs/."""
    folder = posixpath.dirname(source)
    up = "../" * source.count("/") if "://" not in SOURCES else ""

    def rewritten(match):
        target = posixpath.normpath(posixpath.join("docs", folder, match[1]))
        inside = target.startswith("docs/") and not target.startswith("docs/adr")
        return match[0] if inside else f"]({up}{SOURCES}{target}{match[2] or ''})"

    # MkDocs checks relative links itself and knows nothing outside docs/: these become HTML.
    return re.sub(
        r"\[((?:[^\[\]]|\[[^\]]*\])*)" + LINK.pattern,
        lambda match: _anchor(match, rewritten),
        markdown,
    )


def _anchor(match, rewritten):
    text = match[1]
    inner = LINK.match(match[0][len(text) + 1:])
    new = rewritten(inner)
    if new == inner[0]:
        return match[0]
    text = re.sub(r"`([^`]*)`", r"<code>\1</code>", text)
    return f'<a href="{new[2:-1]}">{text}</a>'


def _tabs(markdown):
    """Turns each run of two or more code blocks in different languages into tabs."""
    out, position = [], 0
    while match := FENCE.search(markdown, position):
        run, end = [match], match.end()
        while (following := FENCE.match(markdown, _skip_blank(markdown, end))) and following[1] in TITLES:
            run.append(following)
            end = following.end()
        out.append(markdown[position:match.start()])
        languages = [each[1] for each in run]
        if len(run) > 1 and len(set(languages)) == len(run) and set(languages) <= set(TITLES):
            for each in run:
                out.append(f'\n=== "{TITLES[each[1]]}"\n\n')
                block = f"```{each[1]}\n{each[2]}```\n"
                out += [f"    {line}\n" if line else "\n" for line in block.splitlines()]
            out.append("\n")
        else:
            # The info string may hold a note for the tests after the language.
            out += [f"```{each[1]}\n{each[2]}```\n\n" for each in run]
        position = end
    return "".join(out) + markdown[position:]


def _skip_blank(markdown, position):
    while position < len(markdown) and markdown[position] == "\n":
        position += 1
    return position
