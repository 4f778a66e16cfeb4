package report

import "github.com/artifetch/artifetch/internal/search"

// doubtful is the title of the warning about a choice that may not be the newest.
const doubtful = "A newer run may fit"

// doubts warns of what the server's answers leave open of the choice.
func (l *Log) doubts(doubts []search.Doubt) {
	if len(doubts) == 0 {
		return
	}
	taken := "the newest run that is known to fit was taken, but a newer one may fit, too"
	if l.Config.Runs > 1 {
		taken = "the newest runs that are known to fit were taken, but another one may fit, too"
	}
	l.Out.TitledWarningf(doubtful, "%s: %s. %s", taken, search.DoubtsInWords(doubts), l.audience().doubtHint(doubts))
}

// doubtHint returns what to do about a doubt.
func (a audience) doubtHint(doubts []search.Doubt) string {
	for _, d := range doubts {
		if d.Run.ID == 0 {
			return "To be sure of the run, name it with " + a.name("run-id")
		}
	}
	return "To be sure of the run, name it with " + a.name("run-id") + ", or " + a.rerun() + " in ten minutes"
}
