"""A hook of mkdocs: CONTRIBUTING.md, which GitHub looks for at the top, is a page of the docs too."""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page, with its links as seen from this folder."""
    text = (Path(config.docs_dir).parent / "CONTRIBUTING.md").read_text("utf-8")
    files.append(File.generated(config, "contributing.md", content=text.replace("](docs/", "](")))
    return files


def on_page_markdown(markdown: str, **_given: object) -> str:
    """Let the other pages lead to it."""
    return markdown.replace("](../CONTRIBUTING.md", "](contributing.md")
