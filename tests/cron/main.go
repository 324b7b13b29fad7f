// Writes the table of times that the tests of src/experiment/stages/cron.rs compare with.
//
// The controller of CronJobs reads schedules with robfig/cron v3 and its standard parser. This program asks the same
// library. `make cron-table` runs it.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"
	_ "time/tzdata" // The result must not depend on the machine.

	"github.com/robfig/cron/v3"
)

// Moments, each shortly before something happens to the clocks of its zone.
var moments = []struct{ zone, from string }{
	{"", "2026-01-01T00:00:00Z"},
	{"", "2026-02-27T23:59:59Z"},
	{"Europe/Paris", "2026-03-28T22:00:00Z"},        // 02:00 becomes 03:00
	{"Europe/Paris", "2026-03-29T00:30:00Z"},        // within the last hour before that
	{"Europe/Paris", "2026-10-24T22:00:00Z"},        // 03:00 becomes 02:00
	{"Europe/Paris", "2026-10-25T00:30:00Z"},        // the first 02:30 of the two
	{"Europe/Paris", "2026-10-25T01:10:00Z"},        // the second 02:10
	{"America/New_York", "2026-03-08T04:00:00Z"},    // 02:00 becomes 03:00
	{"America/New_York", "2026-11-01T03:30:00Z"},    // 02:00 becomes 01:00
	{"America/Sao_Paulo", "2018-11-03T12:00:00Z"},   // 00:00 becomes 01:00
	{"America/Sao_Paulo", "2019-02-16T12:00:00Z"},   // 00:00 becomes 23:00
	{"Africa/Cairo", "2026-04-23T12:00:00Z"},        // 00:00 becomes 01:00
	{"Africa/Cairo", "2026-10-29T12:00:00Z"},        // 00:00 becomes 23:00
	{"Australia/Lord_Howe", "2026-04-04T10:00:00Z"}, // 02:00 becomes 01:30
	{"Australia/Lord_Howe", "2026-10-03T10:00:00Z"}, // 02:00 becomes 02:30
	{"Antarctica/Troll", "2026-03-28T22:00:00Z"},    // 01:00 becomes 03:00
	{"America/St_Johns", "2026-03-07T20:00:00Z"},    // the offset has half an hour
	{"Asia/Kathmandu", "2026-06-30T12:00:00Z"},      // the offset has three quarters of an hour
	{"Nowhere/Land", "2026-01-01T00:00:00Z"},
}

var schedules = []string{
	// Every field, in each form.
	"* * * * *", "*/5 * * * *", "0 * * * *", "30 * * * *", "15,45 * * * *", "10-20/5 * * * *", "7/20 * * * *",
	"0 0 * * *", "30 0 * * *", "0 1 * * *", "30 1 * * *", "0 2 * * *", "30 2 * * *", "15 2 * * *", "0 3 * * *",
	"0 12 * * *", "59 23 * * *", "0 */2 * * *", "*/30 1-3 * * *", "30 6-16/4 * * 1-5",
	"0 0 1 * *", "30 2 1 * *", "0 0 31 * *", "0 0 29 2 *", "0 0 30 2 *", "0 0 1 1 *", "0 0 * 3,10 *",
	"0 0 * * 0", "0 0 * * mon-FRI", "0 0 * JAN,jul *", "30 2 * * SUN",
	// Both days are given: either of them suffices, unless one begins with a star or a question mark.
	"0 0 13 * 5", "0 0 */2 * 1", "0 0 */1 * 1", "0 0 ? * 1", "0 0 13 * ?", "? ? ? ? ?", "0 0 1-31 * 1", "0 0 * * */2", "0 0 *,13 * 5",
}

// Schedules that show how they are read, whatever the clocks do.
var forms = []string{
	// Descriptors.
	"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly",
	"@every 1h30m", "@every 90s", "@every 1.5h", "@every 100ms", "@every -5m", "@every 1m0.9s", "@every 1h2",
	// Odd and wrong.
	" 0  12 * * * ", "0,,30 * * * *", ", * * * *", "+5 * * * *", "*-5 0 * * *", "*/5-7 * * * *", "0 0 0 * *", "0 0 * * 7",
	"60 * * * *", "5-1 * * * *", "*/0 * * * *", "1/2/3 * * * *", "1-2-3 * * * *", "-1 * * * *", "a * * * *", "* * *",
	"0 0 0 * * *", "", "@", "@never", "@every", "@every 5", "@DAILY", "0 0 * * thur", "0 0 L * *", "0 0 * * 5#2", "*/90 * * * *",
}

// times returns the next three times, as the controller reads the schedule.
func times(schedule, zone string, from time.Time) string {
	if zone != "" {
		schedule = fmt.Sprintf("TZ=%s %s", zone, schedule)
	}
	parsed, err := cron.ParseStandard(schedule)
	if err != nil {
		return "invalid"
	}
	var found []string
	for t := parsed.Next(from); len(found) < 3 && !t.IsZero(); t = parsed.Next(t) {
		found = append(found, t.UTC().Format(time.RFC3339))
	}
	return strings.Join(found, " ")
}

func main() {
	for i, moment := range moments {
		from, err := time.Parse(time.RFC3339, moment.from)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		asked := schedules
		if i == 0 || moment.zone == "Europe/Paris" {
			asked = append(append([]string{}, schedules...), forms...)
		}
		for _, schedule := range asked {
			found := times(schedule, moment.zone, from)
			fmt.Printf("%s\t%s\t%s\t%s\n", moment.zone, moment.from, schedule, found)
		}
	}
}
