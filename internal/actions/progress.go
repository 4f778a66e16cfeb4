package actions

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/artifetch/artifetch/internal/words"
)

const (
	lineEvery = 5 * time.Second
	barEvery  = 250 * time.Millisecond
	// rateSpan is the time that the rate is the average of.
	rateSpan = 30 * time.Second
	barWidth = 16
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
			l.Infof("fetched %s", state(done, total, rate))
		}
	}
	if l.opt.Terminal && l.opt.Command {
		every, show = barEvery, func(done, _ int64, rate float64) {
			l.setBar(drawBar(done, total) + state(done, total, rate))
		}
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { p.report(every, show, stop) })
	p.stop = sync.OnceFunc(func() {
		close(stop)
		wg.Wait()
		l.setBar("")
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

// state returns a text like "512 MiB of 1.0 GiB (50%), 100 MiB/s, 5s left"; rate is in
// bytes per second. Once done exceeds the estimate, the total is left out.
func state(done, total int64, rate float64) string {
	bytes, speed := words.Bytes(done), words.Bytes(int64(rate))
	if total < done || total <= 0 {
		return fmt.Sprintf("%s, %s/s", bytes, speed)
	}
	s := fmt.Sprintf("%s of %s (%d%%), %s/s", bytes, words.Bytes(total), int(float64(max(done, 0))/float64(total)*100), speed)
	if left := float64(total-done) / rate; rate > 0 && left < (1000*time.Hour).Seconds() {
		s += fmt.Sprintf(", %s left", time.Duration(left*float64(time.Second)).Round(time.Second))
	}
	return s
}

// drawBar returns a bar like "[#####...........] ", or "" if the total is unknown.
func drawBar(done, total int64) string {
	if total < done || total <= 0 {
		return ""
	}
	n := int(float64(max(done, 0)) / float64(total) * barWidth)
	return "[" + strings.Repeat("#", n) + strings.Repeat(".", barWidth-n) + "] "
}
