package tui

import (
	"context"

	"provstation/station"
	"provstation/station/batch"
	"provstation/station/ledger"
	"provstation/tui/screen"
)

// Desk is what people ask of the bench besides [Intents]: [station.Bench] answers it. Methods are called off the
// screen's goroutine. An error is a *station.Fault whose sentence the catalogue has, or anything else with its own text.
// What came of it is told by events.
type Desk interface {
	// Scan takes what a scanner read: a label for the slot that waits for it, a badge, or a command code. slot is the
	// selected one: commands are meant for it, and it goes first among slots that wait for a label.
	Scan(text, slot string) error
	SignIn(name string) error // by typed name; a badge comes by Scan
	SignOut() error
	// Override lets the device in the slot go on once, although a rule held it. badge is a lead's, not the operator's own.
	Override(slot, reason, badge string) error
	// RetryFailed tries every slot again whose run ended with a fault that may have passed, and says how many.
	RetryFailed() (int, error)
	// Ask has the finished device in the slot worked on once more, for what a person wants of it.
	Ask(slot string, t station.Task) error
	// AskAll asks the same of every device that is there and finished, and says of how many.
	AskAll(t station.Task) (int, error)
	PauseBatch(reason string) error
	ResumeBatch() error // also releases a hold
	// Learn waits for a device to be plugged in, and calls its place slot. EndLearning ends it.
	Learn(slot string) error
	EndLearning() error
}

// Office is what the screen asks beyond the bench: files, records, checks, the printer. Methods are called off the
// screen's goroutine and end when ctx does.
type Office interface {
	// Manifests lists the files that a batch can be opened from, newest first.
	Manifests(ctx context.Context) ([]string, error)
	// CheckManifest reads one and says everything that is wrong with it; nothing is opened.
	CheckManifest(ctx context.Context, path string) (batch.Manifest, error)
	OpenBatch(ctx context.Context, m batch.Manifest) error
	// CloseBatch closes the open batch and writes its report; path says where.
	CloseBatch(ctx context.Context, reason string) (path string, err error)

	Runs(ctx context.Context, f ledger.Filter) ([]ledger.RunRow, error)
	Run(ctx context.Context, id string) (ledger.RunDetail, error)
	// Export writes what f chooses, without its page limit, and says where.
	Export(ctx context.Context, f ledger.Filter, format string) (path string, err error)

	// Duplicates lists the contradictions between stations that nobody has decided about.
	Duplicates(ctx context.Context) ([]station.DuplicateFound, error)
	// Resolve records what the person who is signed in decided about a run that was held as UNCERTAIN.
	Resolve(ctx context.Context, run string, what station.Decision, reason string) error

	// Diagnose makes the checks of `provstation doctor` and tells of each as it ends.
	Diagnose(ctx context.Context, tell func(screen.Check)) error

	// PreviewLabel gives the label of a run as text for the screen; PrintLabel prints it. A second print needs a reason.
	PreviewLabel(ctx context.Context, run string) (screen.LabelPreview, error)
	PrintLabel(ctx context.Context, run, reason string) error
}
