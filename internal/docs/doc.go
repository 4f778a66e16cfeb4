// Package docs holds no code. Its tests keep the pages for users true: every recipe and
// every published example of other actions runs against the simulator, every link leads
// somewhere, and every message that a page explains is one that the program prints.
package docs
