"""Signatures of dataclasses in the reference: defaults as numbers and words, without what makes a field of them."""

from typing import Any

import griffe

MAKERS = {"option", "limited", "parameter", "shared_parameter"}  # of a field, from its default


class PlainDefaults(griffe.Extension):
    """`m=parameter(0.5, unit="kg")` is shown as `m=0.5`, and what belongs to the class is left out."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_: Any) -> None:
        """Change an attribute of a class before its signature is made."""
        value = attr.value
        if isinstance(value, griffe.ExprCall) and str(value.function) in MAKERS and value.arguments:
            attr.value = value.arguments[0]
        if str(attr.annotation) == "ClassVar":
            attr.annotation = None
