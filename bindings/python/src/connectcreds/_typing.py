"""`Unpack`, also where Python is older than it: this package depends on no other."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if sys.version_info >= (3, 11):
    from typing import Unpack
elif TYPE_CHECKING:
    from typing_extensions import Unpack
else:

    class Unpack:
        """Stands for `typing_extensions.Unpack` when annotations are evaluated."""

        def __class_getitem__(cls, item: Any) -> Any:
            return Any


__all__ = ["Unpack"]
