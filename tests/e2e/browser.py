"""Looks at pages in a real browser: Chromium, headless."""
import html
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

# Whatever is told of a page is told by a page around it, which shows it in a frame of a given width: the page itself
# allows no script.
_AROUND = """<!DOCTYPE html><meta charset="utf-8"><body style="margin:0">
<iframe id="frame" style="border:0;width:{width}px;height:{height}px" srcdoc="{page}"></iframe>
<pre id="told"></pre>
<script>
frame.onload = () => {{
  const page = frame.contentDocument, root = page.documentElement, width = root.clientWidth;
  const outside = [];
  for (const e of page.querySelectorAll("main *")) {{
    if (e.closest(".wide") && !e.matches(".wide")) continue;  // scrolls by itself
    const details = e.closest("details:not([open])");
    if (details && e !== details && !e.matches("summary")) continue;
    const box = e.getBoundingClientRect();
    if (box.width && (box.left < -0.5 || box.right > width + 0.5)) outside.push(e.outerHTML.slice(0, 160));
  }}
  const overlapping = [];
  for (const svg of page.querySelectorAll("svg.chart")) {{
    const texts = [...svg.querySelectorAll("text")].map(t => [t.textContent, t.getBoundingClientRect()]);
    texts.forEach(([a, p], i) => texts.slice(i + 1).forEach(([b, q]) => {{
      if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 3 && q.top < p.bottom - 3)
        overlapping.push(a + " | " + b);
    }}));
  }}
  told.textContent = JSON.stringify({{
    width, scrollWidth: root.scrollWidth, outside, overlapping,
    ground: getComputedStyle(page.body).backgroundColor, figures: page.querySelectorAll("figure").length,
    images: [...page.querySelectorAll("svg[role=img]")].map(s => s.querySelector("title").textContent)}});
}};
</script>
"""


class Browser:
    """A browser with a profile of its own."""

    def __init__(self, test):
        self.program = shutil.which("chromium")
        if self.program is None:
            raise unittest.SkipTest("no chromium: apt-get install chromium")
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        test.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def _run(self, page, *options):
        # --no-sandbox: tests may run as root, or where there are no user namespaces.
        command = [self.program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                   "--no-first-run", "--disable-extensions", "--hide-scrollbars",
                   f"--user-data-dir={self.folder / 'profile'}", *options, page.as_uri()]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    def look(self, page, width, dark=False):
        """What a page of that width in CSS pixels looks like: a dict, see above."""
        around = self.folder / "around.html"
        around.write_text(_AROUND.format(page=html.escape(page.read_text()), width=width, height=1200))
        scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
        result = self._run(around, "--dump-dom", "--virtual-time-budget=5000", scheme)
        told = re.search('<pre id="told">(.*?)</pre>', result.stdout, re.DOTALL)
        if told is None:
            raise unittest.SkipTest(f"chromium does not run here: {result.stderr[-500:]}")
        if not told.group(1):
            raise AssertionError(f"the script around the page failed: {result.stderr[-500:]}")
        return json.loads(html.unescape(told.group(1)))

    def screenshot(self, page, width, height, path, dark=False):
        around = self.folder / "around.html"
        around.write_text(_AROUND.format(page=html.escape(page.read_text()), width=width, height=height))
        self._run(around, f"--screenshot={path}", f"--window-size={max(width, 500)},{height}",
                  f"--blink-settings=preferredColorScheme={0 if dark else 1}")
