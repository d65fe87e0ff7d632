"""Training and evaluation of bundles. Everything is resolved on first use: torch takes seconds to load."""

from .config import TrainConfig as TrainConfig
from .config import TrainingError as TrainingError
from .config import load_preset as load_preset
from .evaluation.evaluate import evaluate as evaluate
from .finetune.finetune import fine_tune as fine_tune
from .fitting.folds import train_folds as train_folds
from .fitting.run import train as train
