package actions

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/artifetch/artifetch/internal/words"
)

const (
	lineEvery = 5 * time.Second
	barEvery  = 250 * time.Millisecond
	// rateSpan is the time over which the rate is averaged.
	rateSpan = 30 * time.Second
	// maxMeter bounds the width of the bar's meter, in columns.
	maxMeter = 40
)

// Progress reports how many bytes have arrived: on a terminal by a live bar, elsewhere
// by a line every 5 s if there is progress.
type Progress struct {
	done atomic.Int64
	stop func()
}

// NewProgress starts a Progress. total is an estimate in bytes, or 0 if there is none.
// The caller has to call Stop.
func (l *Log) NewProgress(total int64) *Progress {
	p := &Progress{}
	every, show := lineEvery, func(done, last int64, rate float64) {
		if done != last {
			l.Infof("fetched %s", states(done, total, rate)[0])
		}
	}
	if l.opt.Columns != nil && l.opt.Command {
		every, show = barEvery, func(done, _ int64, rate float64) {
			l.setBar(func(columns int) string { return drawBar(columns, done, total, rate) })
		}
	}
	if l.opt.Quiet {
		p.stop = func() {}
		return p
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { p.report(every, show, stop) })
	p.stop = sync.OnceFunc(func() {
		close(stop)
		wg.Wait()
		l.setBar(nil)
	})
	return p
}

// Add counts n more bytes; n is negative for bytes that will be fetched again. It is
// safe for concurrent use.
func (p *Progress) Add(n int64) { p.done.Add(n) }

// Stop ends the reports and removes the bar. Nothing is written after it returned.
// Further calls do nothing.
func (p *Progress) Stop() { p.stop() }

// sample is the number of bytes at a point in time.
type sample struct {
	at   time.Time
	done int64
}

// report calls show periodically with the number of bytes now and at the call before,
// and the rate in bytes per second.
func (p *Progress) report(every time.Duration, show func(done, last int64, rate float64), stop <-chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	window := []sample{{at: time.Now()}}
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		now := sample{at: time.Now(), done: p.done.Load()}
		for len(window) > 1 && now.at.Sub(window[0].at) > rateSpan {
			window = window[1:]
		}
		oldest, last := window[0], window[len(window)-1]
		window = append(window, now)
		show(now.done, last.done, float64(now.done-oldest.done)/now.at.Sub(oldest.at).Seconds())
	}
}

// states returns texts like "512 MiB of 1.0 GiB (50%), 100 MiB/s, 5s left", the longest
// one first, and then shorter ones for narrow terminals; rate is in bytes per second.
// Once done exceeds the estimate, the total is left out.
func states(done, total int64, rate float64) []string {
	bytes, speed := words.Bytes(done), words.Bytes(int64(rate))
	if total < done || total <= 0 {
		return []string{fmt.Sprintf("%s, %s/s", bytes, speed), bytes}
	}
	percent := fmt.Sprintf("%d%%", int(float64(max(done, 0))/float64(total)*100))
	share := fmt.Sprintf("%s of %s (%s)", bytes, words.Bytes(total), percent)
	paced := fmt.Sprintf("%s, %s/s", share, speed)
	texts := []string{paced, share, percent}
	if left := float64(total-done) / rate; rate > 0 && left < (1000*time.Hour).Seconds() {
		timed := fmt.Sprintf("%s, %s left", paced, time.Duration(left*float64(time.Second)).Round(time.Second))
		texts = slices.Insert(texts, 0, timed)
	}
	return texts
}

// drawBar returns a bar like "[#####...............] 256 MiB of 1.0 GiB (25%), 100 MiB/s"
// that takes no more than the given columns. In a narrow terminal the bar has less text,
// and at last none.
func drawBar(columns int, done, total int64, rate float64) string {
	texts := states(done, total, rate)
	meter := drawMeter(min(columns/4, maxMeter), done, total)
	for _, text := range texts {
		if len(meter)+len(text) <= columns {
			return meter + text
		}
	}
	if shortest := texts[len(texts)-1]; len(shortest) <= columns {
		return shortest
	}
	return ""
}

// drawMeter returns a meter like "[####............] " with width signs between its
// brackets, or "" if the total is unknown.
func drawMeter(width int, done, total int64) string {
	if total < done || total <= 0 {
		return ""
	}
	n := int(float64(max(done, 0)) / float64(total) * float64(width))
	return "[" + strings.Repeat("#", n) + strings.Repeat(".", width-n) + "] "
}
