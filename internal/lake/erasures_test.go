package lake

import (
	"context"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/object"
)

// TestEraseFromTheLake: what an erasure covers goes from all days, the rest stays, and the list tells readers of it.
func TestEraseFromTheLake(t *testing.T) {
	ctx, r, store := context.Background(), rand.New(rand.NewPCG(4, 4)), object.Folder(t.TempDir())
	visitors := []string{"ann", "bob", "größe"}
	before := day(3).UnixMilli()
	list := []event.Erasure{
		{ID: "a", WebsiteID: "site-1", Scope: event.EraseVisitor, AskedAt: 5, AskedBy: "user x", Before: before, Visitors: []string{"ann", "größe"}},
		{ID: "b", WebsiteID: "site-2", Scope: event.EraseSite, Before: event.Forever},
	}
	covered, kept := 0, 0
	for n := range 6 {
		rest := newFileWriter()
		var rows []Row
		for range 60 {
			row := randomRow(r, n)
			row.UserID = visitors[r.IntN(3)]
			row.SampleKey = event.SubjectOf("", row.UserID).SampleKey
			rows = append(rows, row)
		}
		slices.SortFunc(rows, func(a, b Row) int { return compareRows(&a, &b) })
		for i := range rows {
			gone := rows[i].WebsiteID == "site-2" || rows[i].WebsiteID == "site-1" && rows[i].UserID != "bob" && rows[i].ReceivedAt < before
			if gone {
				covered++
			} else {
				kept++
			}
			if err := rest.add(&rows[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := rest.put(ctx, store, fileKey(day(n).UnixMilli(), "x")); err != nil {
			t.Fatal(err)
		}
	}
	total := int64(0)
	for _, e := range list {
		erased := e.Erased()
		done, err := Erase(ctx, store, &erased)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range done.Rows {
			total += n
		}
		if again, err := Erase(ctx, store, &erased); err != nil || again.Files != 0 || len(again.Rows) != 0 {
			t.Errorf("the second time: %+v, %v", again, err)
		}
	}
	left := 0
	from, until := Always()
	if err := Scan(ctx, store, from, until, func(*Row) error { left++; return nil }); err != nil {
		t.Fatal(err)
	}
	if total != int64(covered) || left != kept || covered == 0 || kept == 0 {
		t.Errorf("%d rows went and %d are left, want %d and %d", total, left, covered, kept)
	}
	got, err := Erasures(ctx, store)
	if want := []event.Erased{list[0].Erased(), list[1].Erased()}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the list is %+v, %v; want %+v", got, err, want)
	}
}
