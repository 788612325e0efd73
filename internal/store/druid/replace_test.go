package druid

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"
)

var firstDay = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

func day(n int) time.Time { return firstDay.AddDate(0, 0, n) }

func TestReplaceTry(t *testing.T) {
	s, o := openTest(t, nil), newObjects(t)
	r := rand.New(rand.NewPCG(1, 2))
	for range 2 {
		began := time.Now()
		uri := o.put(t, "one", anyRows(dayOfViews(r, "s", day(0), 1000)))
		if err := s.Replace(context.Background(), Replacement{PageViews, day(0), day(1), []string{uri}}); err != nil {
			t.Fatal(err)
		}
		t.Log(time.Since(began))
	}
	began := time.Now()
	if err := s.Replace(context.Background(), Replacement{PageViews, day(0), day(1), nil}); err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(began))
	time.Sleep(2*time.Second)
}
