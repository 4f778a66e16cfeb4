package process

import "runtime/debug"

// Version returns the version to show: linked, which the linker sets for a release;
// else what go build and go install recorded, the module's version or the commit;
// else "dev". The info may be nil.
func Version(linked string, info *debug.BuildInfo) string {
	switch {
	case linked != "":
		return linked
	case info == nil:
		return "dev"
	case info.Main.Version != "" && info.Main.Version != "(devel)":
		return info.Main.Version
	}
	version, changed := "dev", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			version += "-" + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "-dirty"
		}
	}
	return version + changed
}
