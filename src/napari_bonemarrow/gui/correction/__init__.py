"""What a reviewer does to cells, and how inspector and rings follow the case."""
