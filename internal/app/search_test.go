package app

import (
	"strings"
	"testing"
	"time"

	"github.com/artifetch/artifetch/internal/githubsim"
)

type situation struct {
	opt   githubsim.Options
	world string
	setup func(*searchWorld)
	in    map[string]string
	// want is what is found, or a part of the message when it begins with
	// "no ".
	want     string
	says     []string
	lacks    string // what the log must not say
	requests int
}

func TestSearch(t *testing.T) {
	t.Parallel()
	const plain = `
		1: dist logs
		2: dist
		3 conclusion=failure: dist
		4 branch=dev event=schedule actor=robot: dist logs
		5: logs
		6 fork event=pull_request: dist`
	const thousand = `
		1: rare dist
		2..1000: dist`
	tests := map[string]situation{
		// What is found without any condition.
		"name":                     {world: plain, in: in("name", "dist"), want: "4: dist", requests: 2},
		"everything":               {world: plain, want: "5: logs", requests: 2},
		"pattern":                  {world: plain, in: in("pattern", "d*"), want: "4: dist", requests: 2},
		"only exclusions":          {world: plain, in: in("pattern", "!logs"), want: "4: dist", requests: 2},
		"regular expression":       {world: plain, in: in("name-regex", "^d"), want: "4: dist", requests: 2},
		"two names":                {world: plain, in: in("name", "dist\nlogs"), want: "4: logs dist", requests: 3},
		"two names of one run":     {world: "1: a b\n2: a\n3: b", in: in("name", "a\nb"), want: "1: b a", requests: 3},
		"four names":               {world: "1: a b c d\n2: a b c", in: in("name", "a\nb\nc\nd"), want: "1: d c b a", requests: 6},
		"another repository":       {world: "1 in=lib: dist\n2: dist", in: in("repository", "octo/lib", "name", "dist"), want: "1: dist", requests: 2},
		"several repositories":     {world: "1 in=lib: dist\n2: dist", in: in("repository", "octo/lib\nocto/app", "name", "dist"), want: "2: dist | 1: dist", requests: 4},
		"an attempt after another": {world: plain, setup: attempt, in: in("name", "dist"), want: "4: dist", says: []string{"is left out: a newer one has its name"}, requests: 2},

		// Conditions.
		"branch":                      {world: plain, in: in("name", "dist", "branch", "main"), want: "2: dist", requests: 2},
		"branch, full ref":            {world: plain, in: in("name", "dist", "branch", "refs/heads/dev"), want: "4: dist", requests: 2},
		"branch with slashes":         {world: "1 branch=a/b/c: dist\n2: dist", in: in("branch", "a/b/c"), want: "1: dist", requests: 2},
		"branch, fallback":            {world: plain, in: in("name", "dist", "branch", "feature\nmain"), want: "2: dist", requests: 3},
		"branch, first one wins":      {world: plain, in: in("name", "dist", "branch", "main\ndev"), want: "2: dist", requests: 2},
		"branch, older but preferred": {world: "1 branch=x: dist\n2: dist", in: in("branch", "x\nmain"), want: "1: dist", requests: 2},
		"branch that is a wildcard":   {world: plain, in: in("name", "dist", "branch", "*"), want: "4: dist", requests: 2},
		"branch without a match":      {world: plain, in: in("name", "dist", "branch", "nope"), want: `no artifact "dist" not found in octo/app, workflow "ci.yml", branch "nope", conclusion success; there is no such run`, says: []string{`its branch is "main"`}, requests: 3},
		"event":                       {world: plain, in: in("name", "dist", "INPUT_EVENT", "push"), want: "2: dist", requests: 2},
		"events":                      {world: plain, in: in("name", "dist", "INPUT_EVENT", "schedule, release"), want: "4: dist", requests: 2},
		"actor":                       {world: plain, in: in("name", "dist", "actor", "Octocat"), want: "2: dist", requests: 2},
		"actor by login":              {world: plain, in: in("name", "dist", "actor", "robot"), want: "4: dist", requests: 2},
		"conclusion":                  {world: plain, in: in("name", "dist", "conclusion", "failure"), want: "3: dist", requests: 2},
		"conclusions":                 {world: plain, in: in("name", "dist", "branch", "main", "conclusion", "failure, success"), want: "3: dist", requests: 2},
		"conclusion: any":             {world: "1: dist\n2 conclusion=cancelled: dist", in: in("conclusion", "any"), want: "2: dist", requests: 2},
		"workflow_conclusion: ''":     {world: "1: dist\n2 conclusion=cancelled: dist", in: in("workflow_conclusion", ""), want: "2: dist", requests: 2},
		"a status":                    {world: "1: dist\n2 status=in_progress: dist\n3: dist", in: in("conclusion", "in_progress"), want: "2: dist", requests: 2},
		"under way does not count":    {world: "1: dist\n2 status=in_progress: dist", in: in("name", "dist"), want: "1: dist", requests: 2},
		"run-number":                  {world: "1 number=7: dist\n2 number=8: dist\n3 number=9: dist", in: in("run-number", "8"), want: "2: dist", requests: 2},
		"run_number":                  {world: "1 number=7: dist\n2 number=8: dist", in: in("run_number", "7", "run-number", "*"), want: "1: dist", requests: 2},
		"max-age":                     {world: "1 age=50h: dist\n2 age=20h: logs", in: in("name", "dist", "max-age", "3d"), want: "1: dist", requests: 2},
		"max-age, too old":            {world: "1 age=50h: dist\n2 age=20h: logs", in: in("name", "dist", "max-age", "2d"), want: `no artifact "dist" not found`, says: []string{"created since 2026-05-30 12:00:00"}, requests: 4},
		"all conditions at once":      {world: plain, in: in("name", "dist", "branch", "dev", "INPUT_EVENT", "schedule", "actor", "robot", "commit", shaOf(4), "max-age", "30d", "conclusion", "success"), want: "4: dist", requests: 2},
		"given but empty":             {world: plain, in: in("name", "dist", "commit", "", "branch", ""), want: "4: dist", says: []string{"these inputs are empty and are ignored: branch, commit"}, requests: 2},

		// Workflows.
		"workflow":                     {world: "1 workflow=nightly: dist\n2: dist", in: in("workflow", "nightly.yml"), want: "1: dist", requests: 2},
		"workflow by path":             {world: "1 workflow=nightly: dist\n2: dist", in: in("workflow", ".github/workflows/nightly.yml"), want: "1: dist", requests: 2},
		"workflow by ref":              {world: "1 workflow=nightly: dist\n2: dist", in: in("workflow", "octo/app/.github/workflows/nightly.yml@refs/heads/main"), want: "1: dist", requests: 2},
		"workflow by half a path":      {world: "1 workflow=nightly: dist\n2: dist", in: in("workflow", "./workflows/nightly.yml"), want: "1: dist", requests: 2},
		"workflow by name":             {world: "1 workflow=nightly: dist\n2: dist", in: in("workflow", "NIGHTLY"), want: "1: dist", requests: 3},
		"workflow by GitHub's path":    {world: "1 workflow=pages: dist\n2: dist", in: in("workflow", "dynamic/pages/pages-build"), want: "1: dist", requests: 3},
		"workflow name with an ending": {world: "1 workflow=odd: dist\n2: dist", in: in("workflow", "build / all.yml"), want: "1: dist", requests: 3},
		"workflow file with a blank":   {world: "1 workflow=blank: dist\n2: dist", in: in("workflow", "my build.yml"), want: "1: dist", requests: 3},
		"any workflow":                 {world: "1: dist\n2 workflow=nightly: dist", in: in("workflow", "*"), want: "2: dist", requests: 2},
		"workflow_search":              {world: "1: dist\n2 workflow=nightly: dist", in: in("workflow_search", "true"), want: "2: dist", requests: 2},
		"workflow, none given":         {world: "1: dist\n2 workflow=nightly: dist", in: in("name", "dist"), want: "1: dist", requests: 2},
		"workflow that is not there":   {world: plain, in: in("workflow", "nihtly.yml"), want: `no workflow "nihtly.yml" not found in octo/app; its workflows are "ci.yml (CI)", "nightly.yml (NIGHTLY)", "twin1.yml (TWIN)", "twin2.yml (TWIN)"`, says: []string{`Did you mean "nightly.yml"?`}, requests: 3},
		"workflow name, not there":     {world: plain, in: in("workflow", "Nihtly"), want: `no workflow "Nihtly" not found`, says: []string{`Did you mean "NIGHTLY"?`}, requests: 2},
		"workflow name of two":         {world: plain, in: in("workflow", "TWIN"), want: `no workflow: "TWIN" is the name of several in octo/app: ".github/workflows/twin1.yml", ".github/workflows/twin2.yml". Give one of these as workflow`, requests: 2},
		"workflow name, one disabled":  {world: "1 workflow=twin2: dist", setup: func(w *searchWorld) { w.workflows["twin1"].Disabled = true }, in: in("workflow", "TWIN"), want: "1: dist", requests: 3},

		// Commits, pull requests, ref.
		"commit":                    {world: "1: dist\n2 commit=1 conclusion=failure: dist\n3: dist", in: in("commit", shaOf(1)), want: "1: dist", requests: 2},
		"commit, abbreviated":       {world: "1: dist\n2: dist", in: in("commit", shaOf(1)[:8]), want: "1: dist", requests: 3},
		"commit, tag":               {world: "1: dist\n2: dist", setup: tag("v1.0"), in: in("commit", "v1.0"), want: "1: dist", requests: 3},
		"commit, tag with a slash":  {world: "1: dist\n2: dist", setup: tag("rel/v1"), in: in("commit", "refs/tags/rel/v1"), want: "1: dist", requests: 3},
		"commit, tag of digits":     {world: "1: dist\n2: dist", setup: tag("20260101"), in: in("commit", "20260101"), want: "1: dist", requests: 4},
		"commit, annotated tag":     {world: "1: dist\n2: dist", setup: annotated("v1.0"), in: in("commit", "v1.0"), want: "1: dist", requests: 3},
		"ref, annotated tag":        {world: "1: dist\n2: dist", setup: annotated("v1.0"), in: in("ref", "refs/tags/v1.0"), want: "1: dist", requests: 3},
		"commit that is not there":  {world: plain, in: in("commit", "v9"), want: `no commit "v9" not found in octo/app`, says: []string{"at least 7 digits of one", "permissions: {contents: read}"}, requests: 3},
		"pr":                        {world: "1 commit=50 event=pull_request branch=fix: dist\n2: dist", setup: pull("app", "fix"), in: in("pr", "7"), want: "1: dist", requests: 3},
		"pr, its branch":            {world: "1 event=pull_request branch=fix: dist\n2: dist\n3 fork branch=fix: dist", setup: pull("app", "fix"), in: in("pr", "7"), want: "1: dist", requests: 4},
		"pr of a fork":              {world: "1 fork commit=50 branch=fix: dist\n2: dist", setup: pull("fork", "fix"), in: in("pr", "7"), want: "no an artifact not found", says: []string{"the pull request comes from the fork evil/app, and allow-forks is false"}, requests: 3},
		"pr of a fork, allowed":     {world: "1 fork commit=50 branch=fix: dist\n2: dist", setup: pull("fork", "fix"), in: in("pr", "7", "allow-forks", "true"), want: "1: dist", says: []string{"::warning::run 1 comes from the fork evil/app"}, requests: 3},
		"pr of a fork, its branch":  {world: "1 fork branch=main: dist\n2: dist", setup: pull("fork", "main"), in: in("pr", "7", "allow-forks", "true"), want: "1: dist", requests: 4},
		"pr of a deleted fork":      {world: "1 deleted commit=50 branch=main: dist\n2 deleted branch=main: dist", setup: pull("", "main"), in: in("pr", "7", "allow-forks", "true"), want: "1: dist", requests: 3},
		"pr, deleted, its branch":   {world: "1 deleted branch=main: dist", setup: pull("", "main"), in: in("pr", "7", "allow-forks", "true"), want: "no an artifact not found", requests: 3},
		"pr that is not there":      {world: plain, in: in("pr", "8"), want: "no pull request 8 not found in octo/app", says: []string{"pull-requests: read"}, requests: 3},
		"ref, a branch":             {world: "1 branch=v1: dist\n2: dist", setup: branch("v1"), in: in("ref", "v1"), want: "1: dist", requests: 3},
		"ref, full":                 {world: "1 branch=a/b: dist\n2: dist", setup: branch("a/b"), in: in("ref", "refs/heads/a/b"), want: "1: dist", requests: 2},
		"ref, a tag":                {world: "1: dist\n2: dist", setup: tag("v1"), in: in("ref", "v1"), want: "1: dist", requests: 4},
		"ref, a commit":             {world: "1: dist\n2: dist", in: in("ref", shaOf(1)), want: "1: dist", requests: 2},
		"ref that is not there":     {world: plain, in: in("ref", "nope"), want: `no commit "nope" not found`, requests: 4},
		"no permission for commits": {world: plain, setup: forbid("/repos/octo/app/commits/*/*"), in: in("commit", "v1"), want: "no get commit", says: []string{"add permissions: {contents: read} to the job", "a token with Contents read on octo/app"}, requests: 2},
		"no permission for pulls":   {world: plain, setup: forbid("/repos/octo/app/pulls/*"), in: in("pr", "1"), want: "no get pull request", says: []string{"add permissions: {pull-requests: read} to the job"}, requests: 2},

		// Origin.
		"a fork's main is not main":   {world: "1: dist\n2 fork branch=main: dist", in: in("branch", "main"), want: "1: dist", requests: 2},
		"a deleted fork":              {world: "1: dist\n2 deleted branch=main: dist", in: in("branch", "main"), want: "1: dist", requests: 2},
		"forks allowed":               {world: plain, in: in("name", "dist", "allow-forks", "true"), want: "6: dist", says: []string{"::warning::run 6 comes from the fork evil/app"}, requests: 2},
		"only forks":                  {world: "1 fork: dist", in: in("name", "dist"), want: `no artifact "dist" not found`, says: []string{"1: it comes from a fork, and allow-forks is false", "Runs from forks do not count unless allow-forks is true"}, requests: 3},
		"a fork in a privileged job":  {world: "1 fork: dist", in: in("name", "dist", "allow-forks", "true", "GITHUB_EVENT_NAME", "pull_request_target", "dry-run", "false", "skip-decompress", "true"), want: "1: dist", says: []string{"This workflow runs with the repository's secrets (pull_request_target)", "path: ${{ runner.temp }}/artifacts"}, requests: 3},
		"a fork that triggered":       {world: "7 fork: dist", in: in("name", "dist", "allow-forks", "true", "GITHUB_EVENT_NAME", "workflow_run", "event", `{"workflow_run":{"id":7}}`, "dry-run", "false", "skip-decompress", "true"), want: "7: dist", says: []string{"This workflow runs with the repository's secrets (workflow_run)", "path: ${{ runner.temp }}/artifacts"}, requests: 3},
		"a fork in a harmless job":    {world: "1 fork: dist", in: in("name", "dist", "allow-forks", "true", "GITHUB_EVENT_NAME", "push", "dry-run", "false", "skip-decompress", "true"), want: "1: dist", says: []string{"treat them as untrusted"}, lacks: "runs with the repository's secrets", requests: 3},
		"the same, outside workspace": {world: "1 fork: dist", in: in("name", "dist", "allow-forks", "true", "GITHUB_EVENT_NAME", "pull_request_target", "path", "~/x", "dry-run", "false", "skip-decompress", "true"), want: "1: dist", says: []string{"treat them as untrusted\n"}, requests: 3},

		// Distance.
		"rare, 1,000 runs back":         {world: thousand, in: in("name", "rare"), want: "1: rare", requests: 3},
		"rare, the newest of three":     {world: "1..2: rare\n3..300:\n301: rare\n302..900: dist", in: in("name", "rare"), want: "301: rare", requests: 4},
		"rare, the newest failed":       {world: "1: rare\n2..500: dist\n501 conclusion=failure: rare\n502..900: dist", in: in("name", "rare"), want: "1: rare", requests: 4},
		"rare, in another workflow":     {world: "1: rare\n2..500: dist\n501 workflow=nightly: rare\n502..900: dist", in: in("name", "rare"), want: "1: rare", requests: 4},
		"rare, on a fork":               {world: "1: rare\n2..500: dist\n501 fork: rare\n502..900: dist", in: in("name", "rare"), want: "1: rare", requests: 3},
		"rare, expired":                 {world: "1: rare\n2..500: dist\n501: rare!\n502..900: dist", in: in("name", "rare"), want: "1: rare", requests: 3},
		"common, rarely built branch":   {world: "1 branch=rel: dist\n2..700: dist", in: in("name", "dist", "branch", "rel"), want: "1: dist", requests: 3},
		"common, the newest 500 failed": {world: "1..200: dist\n201..700 conclusion=failure: dist", in: in("name", "dist"), want: "200: dist", requests: 5},
		"nowhere":                       {world: "1..700: dist", in: in("name", "nope"), want: `no artifact "nope" not found`, says: []string{"no run of the repository has it, 100 runs looked at (99: it lacks \"nope\"; 1: it is the current run)"}, requests: 6},
		"pattern, rare":                 {world: "1: rare-x\n2..150: dist", in: in("pattern", "rare-*"), want: "1: rare-x", requests: 5},
		"only expired ones":             {world: "1: dist!\n2: logs", in: in("name", "dist"), want: `no artifact "dist" not found`, says: []string{"it was there (artifact ", "but expired on 2026-08"}, requests: 5},
		"limit":                         {world: "1: rare\n2..400: dist", in: in("name", "rare", "search-limit", "50"), want: `no artifact "rare" not found`, says: []string{"gave up after 50 runs, as search-limit has it", "raise search-limit"}, requests: 6},
		"the current run":               {world: "1: dist", in: in("name", "mine"), want: `no artifact "mine" not found`, says: []string{"The current run has it: add run-id: current"}, requests: 4},
		"did you mean":                  {world: plain, in: in("name", "dits", "branch", "main"), want: `no artifact "dits" not found`, says: []string{`Did you mean "dist"?`, `the newest one that fits (5) has "logs"`, "run 5 (CI #5, main): it lacks \"dits\"; it has logs"}, requests: 6},

		// Servers that mislead.
		"status lags behind":     {opt: githubsim.Options{StatusLag: 1000 * time.Hour}, world: plain, in: in("name", "dist"), want: "4: dist", requests: 2},
		"status lags, far back":  {opt: githubsim.Options{StatusLag: 98 * time.Hour}, world: "1 conclusion=failure: dist\n2..300: dist\n301 conclusion=failure: dist\n302..451: dist", in: in("name", "dist", "conclusion", "failure"), want: "301: dist", lacks: "known to miss", requests: 5},
		"status lags, too far":   {world: "1 conclusion=failure: dist\n2..300: dist", in: in("name", "dist", "conclusion", "failure"), want: "1: dist", says: []string{"more than 200 runs back only those that GitHub's filter by conclusion lists were looked at"}, requests: 5},
		"oldest first":           {opt: githubsim.Options{Order: githubsim.OldestFirst}, world: "1..250: dist", in: in("name", "dist"), want: "250: dist", requests: 5},
		"no order":               {opt: githubsim.Options{Order: githubsim.Jumbled}, world: "1..250: dist", in: in("name", "dist"), want: "250: dist", requests: 5},
		"GHES 3.8":               {opt: githubsim.Options{Enterprise: true}, world: plain, in: in("name", "dist"), want: "4: dist", requests: 5},
		"GHES 3.8, rare":         {opt: githubsim.Options{Enterprise: true}, world: "1..5: dist\n6: rare\n7..900: dist", in: in("name", "rare"), want: "6: rare", requests: 5},
		"a server without names": {opt: githubsim.Options{Enterprise: true, IgnoreName: true}, world: "1: rare\n2..4: dist", in: in("name", "rare"), want: "1: rare", requests: 3},

		// Explanations.
		"another workflow has it":       {world: "1 workflow=nightly: dist\n2: logs", in: in("name", "dist"), want: `no artifact "dist" not found`, says: []string{"Run 1 of another workflow has it: set workflow: nightly.yml, or workflow: '*'", `run 1 (NIGHTLY #1, main): it is of the workflow ".github/workflows/nightly.yml"; it has dist`}, requests: 5},
		"reasons of fallbacks":          {world: "1 conclusion=failure: dist\n2 branch=fix: logs\n3 branch=fix conclusion=failure: dist", in: in("name", "dist", "branch", "fix\nmain"), want: `no artifact "dist" not found`, says: []string{"run 3 (CI #3, fix): its conclusion", `run 2 (CI #2, fix): it lacks "dist"`}, requests: 5},
		"a fork that lacks it":          {world: "1: dist\n2 fork: other", in: in("name", "wheels"), want: `no artifact "wheels" not found`, lacks: "allow-forks is true", requests: 4},
		"a run that goes on":            {world: plain, in: in("run-id", "90000", "name", "nope"), want: `no artifact "nope" not found in run 90000`, says: []string{"Run 90000 is still under way: wait: 10m would wait for it"}, requests: 3},
		"the trigger goes on":           {world: "7 status=in_progress: logs", in: in("name", "dist", "GITHUB_EVENT_NAME", "workflow_run", "event", `{"workflow_run":{"id":7}}`), want: `no artifact "dist" not found in run 7`, says: []string{"Run 7 is still under way: wait: 10m would wait for it"}, requests: 3},
		"the only one failed":           {world: "1: logs\n2 conclusion=failure: binaries\n3: logs", in: in("name", "binaries"), want: `no artifact "binaries" not found`, says: []string{"Run 2 has it, but its conclusion is failure: conclusion: failure, or any, would take it"}, requests: 5},
		"the only one was cancelled":    {world: "1..200: logs\n201 conclusion=cancelled: dist\n202..500: logs", in: in("name", "dist"), want: `no artifact "dist" not found`, says: []string{"Run 201 has it, but its conclusion is cancelled"}, requests: 7},
		"one that failed, one goes on":  {world: "1 conclusion=failure: dist\n2 status=in_progress:", in: in("name", "dist"), want: `no artifact "dist" not found`, says: []string{"Run 2 is still under way"}, requests: 3},
		"only forks, and a near name":   {world: "1: wheel\n2 fork: wheels", in: in("name", "wheels"), want: `no artifact "wheels" not found`, says: []string{"Runs from forks do not count unless allow-forks is true"}, lacks: "Did you mean", requests: 4},
		"a fork, and other reasons":     {world: "1 fork: dist\n2 branch=x actor=robot: logs", in: in("name", "dist", "actor", "robot", "branch", "main"), want: `no artifact "dist" not found`, says: []string{`run 1 (CI #1, main): its actor is "octocat"; it has dist`}, lacks: "allow-forks", requests: 4},
		"a fork of another workflow":    {world: "1 fork: dist\n2 workflow=nightly: logs", in: in("name", "dist", "workflow", "nightly.yml"), want: `no artifact "dist" not found`, says: []string{`run 1 (CI #1, main): it is of the workflow ".github/workflows/ci.yml"; it has dist`}, lacks: "allow-forks", requests: 5},
		"another event has it":          {world: "1: coverage\n2: coverage\n3: coverage", in: in("name", "coverage", "INPUT_EVENT", "release"), want: `no artifact "coverage" not found`, says: []string{`run 3 (CI #3, main): its event is "push"; it has coverage`, "run 1 (main): it is not among the runs with workflow \"ci.yml\", event release; it has coverage"}, requests: 5},
		"a fork, far back":              {world: "1 fork: dist\n2..150: logs", in: in("name", "dist"), want: `no artifact "dist" not found`, says: []string{"Runs from forks do not count unless allow-forks is true"}, requests: 7},
		"elsewhere, and it failed":      {world: "1 workflow=nightly: dist\n2 workflow=nightly conclusion=failure: dist\n3: logs", in: in("name", "dist"), want: `no artifact "dist" not found`, says: []string{"Run 1 of another workflow has it: set workflow: nightly.yml"}, requests: 6},
		"a pull request's ref":          {world: plain, in: in("name", "dist", "branch", "refs/pull/7/merge"), want: `no artifact "dist" not found`, says: []string{"did you mean pr: 7?"}, requests: 3},
		"a pull request's ref_name":     {world: plain, in: in("name", "dist", "branch", "7/merge"), want: `no artifact "dist" not found`, says: []string{"did you mean pr: 7?"}, requests: 3},
		"a pull request's ref, or main": {world: plain, in: in("name", "dist", "branch", "refs/pull/7/merge\nmain"), want: "2: dist", requests: 3},
		"a merge commit":                {world: "1..8: dist", in: in("name", "dist", "commit", shaOf(77), "GITHUB_EVENT_NAME", "pull_request"), want: `no artifact "dist" not found`, says: []string{"github.sha is GitHub's merge commit", "use pr, or github.event.pull_request.head.sha"}, requests: 3},
		"a commit that has runs":        {world: "1..8: dist", in: in("name", "nope", "commit", shaOf(7)), want: `no artifact "nope" not found`, lacks: "merge commit", requests: 4},
		"no near name for a short one":  {world: "1: db\n2: b", in: in("name", "ui"), want: `no artifact "ui" not found`, lacks: "Did you mean", requests: 5},
		"an event that tells no run":    {world: plain, in: in("name", "dist", "GITHUB_EVENT_NAME", "workflow_run", "event", `{}`), want: "no this workflow was triggered by workflow_run, but the event", requests: 0},
		"the same, without payload":     {world: plain, in: in("name", "dist", "GITHUB_EVENT_NAME", "workflow_run"), want: "no this workflow was triggered by workflow_run, but the event", requests: 0},
		"the same, with a search":       {world: plain, in: in("name", "dist", "workflow", "ci.yml", "GITHUB_EVENT_NAME", "workflow_run"), want: "4: dist", requests: 2},
		"the current run, otherwise":    {world: plain, in: in("name", "mine", "branch", "mian"), want: `no artifact "mine" not found`, lacks: "run-id: current", requests: 2},
		"commits are many":              {world: "1..9: dist", in: in("name", "dist", "commit", shaOf(77)), want: `no artifact "dist" not found`, says: []string{"9: its commit is another"}, requests: 3},
		"limit, several runs":           {world: "1..5: dist", in: in("runs", "3", "search-limit", "2"), want: "5: dist | 4: dist", says: []string{"3 runs asked for, and 2 found: search-limit does not let more be looked at"}, requests: 2},
		"runs of the first branch":      {world: "1: dist\n2 branch=fix: dist", in: in("runs", "2", "branch", "fix\nmain"), want: "2: dist", says: []string{"others are not taken to fill up"}, requests: 2},
		"success, said explicitly":      {world: plain, in: in("conclusion", "success", "name", "dist", "GITHUB_EVENT_NAME", "workflow_run", "event", `{"workflow_run":{"id":3}}`), want: "4: dist", requests: 2},
		"repositories of rows":          {world: "1 in=lib: dist\n2 in=lib conclusion=failure: dist\n3: dist\n4 conclusion=failure: dist", in: in("repository", "octo/lib\nocto/app", "name", "dist"), want: "3: dist | 1: dist", says: []string{"run 2 of octo/lib ("}, requests: 4},

		// Several runs, shards.
		"three runs":              {world: plain, in: in("name", "dist", "runs", "3"), want: "4: dist | 2: dist | 1: dist", requests: 2},
		"fewer than asked for":    {world: "1: dist\n2: dist", in: in("name", "dist", "runs", "5"), want: "2: dist | 1: dist", says: []string{"::warning::5 runs asked for, and 2 found: no more fit"}, requests: 2},
		"runs, far apart":         {world: "1: rare\n2..300: dist\n301: rare\n302..600: dist", in: in("name", "rare", "runs", "2"), want: "301: rare | 1: rare", requests: 4},
		"fewer in one repository": {world: "1 in=lib: dist\n2: dist\n3: dist", in: in("name", "dist", "runs", "2", "repository", "octo/lib\nocto/app"), want: "3: dist | 2: dist | 1: dist", says: []string{"2 runs asked for, and 1 found in octo/lib: no more fit"}, lacks: "found in octo/app", requests: 4},
		"many runs of forks":      {world: "1..15 fork: dist", in: in("name", "dist", "runs", "12", "allow-forks", "true"), want: "15: dist | 14: dist | 13: dist | 12: dist | 11: dist | 10: dist | 9: dist | 8: dist | 7: dist | 6: dist | 5: dist | 4: dist", says: []string{"::warning::and 2 more that come, or may come, from forks"}, lacks: "run 4 comes from", requests: 2},
		"many failed":             {world: "1..3: logs\n4..70 conclusion=failure: logs", in: in("name", "dist"), want: `no artifact "dist" not found`, says: []string{`run 3 (CI #3, main): it lacks "dist"; it has logs`, `run 1 (CI #1, main): it lacks "dist"; it has logs`, "and 18 more"}, requests: 6},
		"shard 1/2":               {world: "1: a*700 b*100 c*200 d*300 e*400", in: in("shard", "1/2"), want: "1: c a", says: []string{"shard 1/2: 2 of 5 artifacts"}, requests: 2},
		"shard 2/2":               {world: "1: a*700 b*100 c*200 d*300 e*400", in: in("shard", "2/2"), want: "1: e d b", requests: 2},
		"a shard of nothing":      {world: "1: a", in: in("shard", "2/2"), want: "1:", says: []string{"shard 2/2: 0 of 1 artifact"}, requests: 2},
		"what is passed over":     {world: plain, in: in("name", "dist", "branch", "main"), want: "2: dist", says: []string{"::group::5 runs passed over", "run 6 (CI #6, main): it comes from a fork", "run 5 (CI #5, main): it lacks \"dist\"", "run 4 (dev): its branch is \"dev\"; it has dist", "run 3 (CI #3, main): its conclusion is \"failure\", not success"}, requests: 2},
		"no repository":           {world: plain, in: in("repository", "octo/nope", "name", "dist"), want: "no list runs of octo/nope: GitHub answered 404", requests: 2},
		"wait and an older run":   {world: plain, in: in("name", "dist", "wait", "10m"), want: "4: dist", requests: 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSearchWorld(t, tt.opt, tt.world)
			if tt.setup != nil {
				tt.setup(w)
			}
			found, requests, got := w.find(t, tt.in)
			if want, fails := strings.CutPrefix(tt.want, "no "); fails {
				if got.outputs["found"] != "false" || !strings.Contains(got.log, want) {
					t.Errorf("want the message %q", want)
				}
			} else if found != tt.want {
				t.Errorf("found %s, want %s", found, tt.want)
			}
			for _, s := range tt.says {
				if !strings.Contains(got.log, s) {
					t.Errorf("the log lacks %q", s)
				}
			}
			if tt.lacks != "" && strings.Contains(got.log, tt.lacks) {
				t.Errorf("the log says %q", tt.lacks)
			}
			if requests != tt.requests {
				t.Errorf("%d requests, want %d", requests, tt.requests)
			}
			if t.Failed() {
				t.Log("\n" + got.log)
				for _, r := range w.Log() {
					t.Log(r.Path, r.Query, r.Status)
				}
			}
		})
	}
}
