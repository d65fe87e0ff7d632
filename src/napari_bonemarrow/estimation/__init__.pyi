"""A valid count from a partial review: a stratified random sample of the counted cells and its estimate."""

from .adjusted import AdjustedCount as AdjustedCount
from .adjusted import AdjustedShare as AdjustedShare
from .adjusted import adjusted_count as adjusted_count
from .difference import CrossFitted as CrossFitted
from .differential import estimate as estimate
from .errors import EstimateError as EstimateError
from .records import EstimatedShare as EstimatedShare
from .records import SampleEstimate as SampleEstimate
from .records import SamplePlan as SamplePlan
from .strata import begin_sample as begin_sample
from .tally import SampleTally as SampleTally
from .waves import cells_needed as cells_needed
from .waves import next_quota as next_quota
from .waves import pilot_quota as pilot_quota
from .waves import reaches as reaches
from .waves import wave_order as wave_order
