"""What independent implementations make of the cases on standard input; JSON in and out.

{"splits": [[n_a, conversions_a, n_b, conversions_b, tightest_at], ...],   -> gbstats: [[low, high, p], ...]
 "sums": [v, ...], "rates": [[successes, n], ...]}                         -> confseq, where it is installed; else null
"""

import json
import sys

from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest
from gbstats.models.statistics import ProportionStatistic


def split(n_a, conversions_a, n_b, conversions_b, tightest_at):
    config = SequentialConfig(alpha=0.05, difference_type="absolute", sequential_tuning_parameter=tightest_at)
    control, arm = ProportionStatistic(n=n_a, sum=conversions_a), ProportionStatistic(n=n_b, sum=conversions_b)
    result = SequentialTwoSidedTTest(control, arm, config).compute_result()
    return [*result.ci, result.p_value]


def sequences(cases):
    try:
        from confseq.boundaries import bernoulli_confidence_interval, normal_mixture_bound
    except ImportError:
        return None
    return {
        "sums": [float(normal_mixture_bound(v, 0.05, 1000, 0.05, False)) for v in cases["sums"]],
        "rates": [[float(x) for x in bernoulli_confidence_interval(s, int(n), 0.05, 90, 0.05)] for s, n in cases["rates"]],
    }


cases = json.load(sys.stdin)
print(json.dumps({"gbstats": [split(*case) for case in cases["splits"]], "confseq": sequences(cases)}))
