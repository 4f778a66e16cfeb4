package process

import (
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	const revision = "7699b64f0c2d4e6a8b0c2d4e6a8b0c2d4e6a8b0c"
	built := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	at := debug.BuildSetting{Key: "vcs.revision", Value: revision}
	for name, tt := range map[string]struct {
		linked string
		info   *debug.BuildInfo
		want   string
	}{
		"a release":                        {"v1.2.3", built("(devel)", at), "v1.2.3"},
		"go install of a version":          {"", built("v1.2.3"), "v1.2.3"},
		"go install of a commit":           {"", built("v1.2.4-0.20260131120000-7699b64f0c2d"), "v1.2.4-0.20260131120000-7699b64f0c2d"},
		"go build, with changes":           {"", built("v1.2.4-0.20260131120000-7699b64f0c2d+dirty", at), "v1.2.4-0.20260131120000-7699b64f0c2d+dirty"},
		"a commit without a version":       {"", built("(devel)", at), "dev-7699b64f0c2d"},
		"such a commit, with changes":      {"", built("(devel)", at, debug.BuildSetting{Key: "vcs.modified", Value: "true"}), "dev-7699b64f0c2d-dirty"},
		"such a commit, without changes":   {"", built("", at, debug.BuildSetting{Key: "vcs.modified", Value: "false"}), "dev-7699b64f0c2d"},
		"a copy without its history":       {"", built("(devel)"), "dev"},
		"a build that says nothing":        {"", nil, "dev"},
		"an abbreviated or odd revision":   {"", built("", debug.BuildSetting{Key: "vcs.revision", Value: "7699"}), "dev-7699"},
		"a checkout that the runner built": {"dev", built("(devel)"), "dev"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Version(tt.linked, tt.info); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
