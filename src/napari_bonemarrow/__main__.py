"""``python -m napari_bonemarrow`` is the console script."""

from napari_bonemarrow.cli import main

if __name__ == "__main__":
    main()
