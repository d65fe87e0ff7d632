"""Networks: bundles, classification and explanation. Names that need torch are resolved on first use."""

from .bundles.bundle import STARTER as STARTER
from .bundles.bundle import Bundle as Bundle
from .bundles.bundle import BundleError as BundleError
from .bundles.bundle import list_bundles as list_bundles
from .bundles.card import Card as Card
from .classifier import Classifier as Classifier
from .explanation.heatmap import Heatmap as Heatmap
from .weights.checkpoint_import import import_checkpoint as import_checkpoint
