"""The example desk: the files of the top folder `config`, which the package carries along."""

from __future__ import annotations

import shutil
from pathlib import Path

from worker.errors import WirewatchError

EXAMPLE = Path(__file__).parent / "shipped"


def write_example(folder: Path) -> list[Path]:
    """Copies every file into `folder`, made if it is missing.

    Raises WirewatchError rather than write over one, and when the folder cannot be written.
    """
    sources = sorted(EXAMPLE.glob("*.yaml"))
    held = [source.name for source in sources if (folder / source.name).exists()]
    if held:
        raise WirewatchError(f"{folder} already has {held[0]}. Nothing was written: choose another folder, or move it.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [Path(shutil.copyfile(source, folder / source.name)) for source in sources]
    except OSError as error:
        raise WirewatchError(f"{folder}: cannot be written: {error.strerror}. Choose another folder.") from error
