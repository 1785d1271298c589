"""Tests of pages and pictures; a package, so that one browser serves all of them."""
