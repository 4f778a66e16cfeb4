package githubapi

import "time"

const (
	// unknownLimitWait is the first pause after a limit of unknown end; it doubles
	// each time. Source: "Rate limits for the REST API", "Exceeding the rate limit".
	unknownLimitWait = time.Minute
	// maxSecondaryWait bounds a single pause for a secondary limit. GitHub usually
	// asks for a minute; a server in between may ask for an hour, which no job
	// should wait for.
	maxSecondaryWait = 10 * time.Minute
)

// limitWait returns how long to wait after the nth limit in a row, counted from 0, and
// whether to wait at all.
func (t *transport) limitWait(a *answer, nth int) (time.Duration, bool) {
	unknown := unknownLimitWait << min(nth, 10)
	switch {
	case a.limit.kind == SecondaryLimit && a.limit.asks:
		return a.limit.pause, a.limit.pause <= maxSecondaryWait
	case a.limit.kind == SecondaryLimit:
		return unknown, unknown <= maxSecondaryWait
	case a.limit.reset.IsZero():
		return unknown, unknown <= t.maxLimitWait
	}
	// By the server's clock, like the reset itself. Ours may differ by hours.
	left := a.limit.reset.Sub(a.at.Add(a.ahead()))
	// Resets are in whole seconds.
	return max(left, 0) + time.Second, left <= t.maxLimitWait
}
