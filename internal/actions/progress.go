package actions

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"
)

const (
	progressEvery = 5 * time.Second
	// rateSpan is how many lines back the rate reaches.
	rateSpan = 6
)

// Progress reports bytes as they arrive: on a terminal as a live bar,
// elsewhere as a line every 5 s while something moves, none before the
// first 5 s are over.
type Progress struct {
	done  atomic.Int64
	total int64
	bar   *progressbar.ProgressBar
	stop  chan struct{}
	wg    sync.WaitGroup
}

// NewProgress starts to report. total, in bytes, is an estimate; 0 means
// that there is none. Stop has to be called.
func (l *Log) NewProgress(total int64) *Progress {
	p := &Progress{total: total, stop: make(chan struct{})}
	if l.opt.Terminal {
		p.bar = progressbar.NewOptions64(max(total, 1),
			progressbar.OptionSetWriter(l.opt.Out), progressbar.OptionShowBytes(true), progressbar.OptionUseIECUnits(true),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionSetDescription("fetching"))
		return p
	}
	p.wg.Go(func() { p.report(l) })
	return p
}

// Add counts n more bytes; negative ones will be fetched again. It may be
// called concurrently.
func (p *Progress) Add(n int64) {
	p.done.Add(n)
	if p.bar != nil {
		_ = p.bar.Add64(n) // a bar that cannot be drawn is no reason to fail
	}
}

// Stop ends the reports.
func (p *Progress) Stop() {
	if p.bar != nil {
		_ = p.bar.Finish()
		return
	}
	close(p.stop)
	p.wg.Wait()
}

func (p *Progress) report(l *Log) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	samples := []int64{0}
	for {
		select {
		case <-p.stop:
			return
		case <-tick.C:
		}
		done := p.done.Load()
		if last := samples[len(samples)-1]; done != last {
			oldest := samples[max(0, len(samples)-rateSpan)]
			span := time.Duration(min(len(samples), rateSpan)) * progressEvery
			l.Infof("%s", progressLine(done, p.total, float64(done-oldest)/span.Seconds()))
		}
		samples = append(samples[max(0, len(samples)-rateSpan):], done)
	}
}

// progressLine is like "512 MiB of 1.0 GiB (50%), 100 MiB/s, 5s left"; rate
// is in bytes a second.
func progressLine(done, total int64, rate float64) string {
	bytes := humanize.IBytes(uint64(max(done, 0)))
	speed := humanize.IBytes(uint64(max(rate, 0)))
	if total < done || total <= 0 {
		return fmt.Sprintf("fetched %s, %s/s", bytes, speed)
	}
	line := fmt.Sprintf("fetched %s of %s (%d%%), %s/s", bytes, humanize.IBytes(uint64(total)), int(float64(done)/float64(total)*100), speed)
	if rate > 0 {
		left := time.Duration(float64(total-done) / rate * float64(time.Second))
		line += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	return line
}
