"""Exchange of cases with other programs: labels that come in, and exports of several cases."""
