"""What to cite: every dataset has the BibTeX of its paper, and every entry can be read."""

import re
from pathlib import Path

import pytest
import yaml

import slvm_data
from slvm_data import RECIPES
from slvm_data.recipe.bibliography import PAPERS, RELEASES, address, bibtex

NAME = r"({[^{},]+}|[^{},\s]+)( ({[^{},]+}|[^{},\s]+))*"  # words, or several in braces; no comma


def read(text):
    """Kind, key and fields of the one entry in a text, all of which must be in it."""
    kind, key, body = re.fullmatch(r"@(\w+){([a-z0-9_]+),\n(.*)\n}", text, re.S).groups()
    fields = [re.fullmatch(r"  (\w+) = {(.+)},", line).groups() for line in body.split("\n")]
    assert len(dict(fields)) == len(fields)
    assert all(value.count("{") == value.count("}") and not re.search(r"(?<!\\)[&%#$]", value) for _, value in fields)
    return kind, key, dict(fields)


def test_every_source_of_a_dataset_has_an_entry():
    assert {recipe.source for recipe in RECIPES.values()} <= set(PAPERS)


def test_keys_are_unique_and_models_too():
    assert len({paper.key for paper in PAPERS.values()}) == len(PAPERS)
    assert len({paper.model for paper in PAPERS.values()}) == len(PAPERS)


@pytest.mark.parametrize("source", PAPERS)
def test_an_entry_can_be_read(source):
    paper = PAPERS[source]
    kind, key, fields = read(paper.bibtex(source))
    where = {"article": "journal", "inproceedings": "booktitle"}[kind]
    assert {"title", "author", "year", where, "url"} == set(fields) - {"volume", "pages"}
    assert re.fullmatch(rf"{NAME}( and {NAME})*", fields["author"])
    assert 1900 < int(fields["year"]) <= 2026
    assert str(paper.year) in key
    assert fields["url"] == address(source)
    assert fields["url"].startswith("https://")
    if number := re.fullmatch(r"arXiv:(\d\d)\d\d\.\d{5}", source):
        assert 0 <= paper.year - 2000 - int(number[1]) <= 2  # it appeared then, or soon after


def test_what_to_cite_ends_with_this_package():
    paper, ours = bibtex("arXiv:1909.13789", "1.2.3").split("\n\n")
    assert paper == PAPERS["arXiv:1909.13789"].bibtex("arXiv:1909.13789")
    kind, key, fields = read(ours)
    assert (kind, key, fields["version"]) == ("software", "slvm_data", "1.2.3")
    assert bibtex("of my own", "1.2.3") == ours


def test_the_file_for_citation_says_the_same():
    file = yaml.safe_load((Path(__file__).parents[2] / "CITATION.cff").read_text())
    _, _, fields = read(bibtex("", slvm_data.__version__))
    assert file["title"] == fields["title"].replace("{", "").replace("}", "")
    assert {"cff-version": "1.2.0", "type": "software", "license": "MIT"}.items() <= file.items()
    assert (file["version"], f"{{{file['authors'][0]['name']}}}") == (fields["version"], fields["author"])
    assert str(file["date-released"]) == RELEASES[slvm_data.__version__]
    assert file["message"]
