"""Opens every page of the site in Chromium, as `packaging/site/check` does: check.py SITE SCREENSHOTS.

On each page: no message of an error in the console, nothing loaded from another server, every link to a page and to a
heading leads somewhere, every code block is coloured and not empty, and nothing is wider than a phone's screen but what
scrolls by itself. The search finds a page.
"""

import pathlib
import shutil
import sys
from urllib.parse import unquote, urlsplit

from playwright.sync_api import sync_playwright

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
SHOWN = {
    "binding.html", "claims.html", "how/failures.html", "how/freshness.html", "index.html", "no-token.html",
    "services/databricks.html", "start.html", "web-servers.html", "whose-token.html",
}

site, screenshots = (pathlib.Path(each).resolve() for each in sys.argv[1:3])
shutil.rmtree(screenshots, ignore_errors=True)
screenshots.mkdir(parents=True)
pages = sorted(path for path in site.rglob("*.html") if path.name != "404.html")
wrong, links, blocks = [], 0, 0


def picture(page, path, size):
    name = str(path.relative_to(site))
    if name in SHOWN:
        page.screenshot(path=screenshots / f"{name.replace('/', '-').removesuffix('.html')}-{size}.png")


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
    page = browser.new_page(viewport=DESK)
    page.on("console", lambda message: message.type == "error" and wrong.append(f"{page.url}: console: {message.text}"))
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    page.on("request", lambda request: request.url.startswith("http") and wrong.append(f"{page.url} loads {request.url}"))
    headings = {}
    targets = []
    for path in pages:
        page.set_viewport_size(DESK)
        page.goto(path.as_uri())
        headings[path] = set(page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)"))
        for href in page.evaluate("[...document.querySelectorAll('article a[href], nav a[href]')].map(each => each.href)"):
            targets.append((path, href))
        for code in page.evaluate("[...document.querySelectorAll('pre code')].map(each => each.textContent.trim())"):
            blocks += 1
            if not code or "```" in code:
                wrong.append(f"{path}: a code block is {code[:60]!r}")
        broken = page.evaluate("[...document.images].filter(each => !each.naturalWidth).map(each => each.src)")
        wrong += [f"{path}: no picture at {each}" for each in broken]
        picture(page, path, "desk")
        page.set_viewport_size(PHONE)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > PHONE["width"]:
            wrong.append(f"{path}: {width} pixels wide on a phone of {PHONE['width']}")
        picture(page, path, "phone")

    for path, href in targets:
        url = urlsplit(href)
        if url.scheme != "file":
            continue
        links += 1
        target = pathlib.Path(unquote(url.path))
        if not target.exists():
            wrong.append(f"{path}: no {target}")
        elif url.fragment and target in headings and unquote(url.fragment) not in headings[target]:
            wrong.append(f"{path}: no heading {url.fragment} on {target.name}")

    # The offline search, as a reader uses it.
    page.set_viewport_size(DESK)
    page.goto((site / "index.html").as_uri())
    page.fill("input.md-search__input", "proxy")
    page.wait_for_selector(".md-search-result__link", timeout=60000)
    page.screenshot(path=screenshots / "search.png")
    browser.close()

print(f"{len(pages)} pages, {links} links, {blocks} code blocks, search: {len(wrong)} wrong")
print("\n".join(wrong))
sys.exit(bool(wrong))
