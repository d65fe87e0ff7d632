"""The console script, run as ``python -m napari_bonemarrow``."""

from napari_bonemarrow.cli import main

if __name__ == "__main__":
    main()
