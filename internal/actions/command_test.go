package actions

import (
	"bytes"
	"testing"
)

// A command's log has colours if asked for, and only warnings and errors if it is quiet.
func TestCommandLog(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		opt  Options
		want string
	}{
		{Options{}, "info\ngroup\nin it\nwarning: w\nerror: e\n"},
		{Options{Quiet: true}, "warning: w\nerror: e\n"},
		{Options{Color: true, Quiet: true}, "\x1b[33mwarning:\x1b[0m w\n\x1b[31merror:\x1b[0m e\n"},
	} {
		var b bytes.Buffer
		tt.opt.Out, tt.opt.Getenv, tt.opt.Command, tt.opt.Columns = &b, env(), true, func() int { return 80 }
		log := New(tt.opt)
		log.Infof("info")
		end := log.Group("group")
		log.Infof("in it")
		end()
		log.Warningf("w")
		log.Errorf("e")
		if tt.opt.Quiet {
			p := log.NewProgress(10)
			p.Add(5)
			p.Stop()
		}
		if b.String() != tt.want {
			t.Errorf("%+v: %q", tt.opt, b.String())
		}
	}
}
