"use strict";

// Tables: a click on a head sorts by it, a second click turns the order round; rows without a
// value stay last.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows];
    rows.sort((a, b) => compare(a.cells[column], b.cells[column], down ? -1 : 1));
    table.tBodies[0].append(...rows);
  }));
}

function compare(a, b, sign) {
  const [x, y] = [a.dataset.value, b.dataset.value];
  if (x !== undefined && y !== undefined) return sign * (Number(x) - Number(y));
  if (x !== undefined || y !== undefined) return x === undefined ? 1 : -1;
  return sign * a.textContent.trim().localeCompare(b.textContent.trim());
}

// Samples: one slider over training and one choice of seed, for all variants at once. A trial that
// ended earlier keeps its last grid.
const slider = document.getElementById("step");
const place = document.getElementById("place");
if (slider) {
  const steps = slider.dataset.steps.split(",").map(Number);
  const show = () => {
    const step = steps[Number(slider.value)];
    const count = step.toLocaleString("en-US");
    document.getElementById("step-value").textContent = count;
    slider.setAttribute("aria-valuetext", `${count} real samples`);
    for (const variant of document.querySelectorAll(".variant")) {
      let present = false;
      for (const trial of variant.querySelectorAll(".trial")) {
        trial.hidden = !trial.dataset.places.split(" ").includes(place.value);
        present ||= !trial.hidden;
        const images = [...trial.querySelectorAll("img")];
        const past = images.filter((image) => Number(image.dataset.step) <= step);
        const current = past.at(-1) ?? images[0];
        images.forEach((image) => { image.hidden = image !== current; });
        const at = Number(current.dataset.step);
        trial.querySelector(".shown").textContent =
          at === step ? "" : `(shown: ${at.toLocaleString("en-US")})`;
      }
      variant.querySelector(".none").hidden = present;
    }
  };
  const play = document.getElementById("play");
  let film = 0;
  const pause = () => {
    clearInterval(film);
    film = 0;
    play.textContent = "Play";
  };
  const forward = () => {
    if (Number(slider.value) === steps.length - 1) return pause();
    slider.value = Number(slider.value) + 1;
    show();
  };
  play.hidden = steps.length < 2;
  play.addEventListener("click", () => {
    if (film) return pause();
    if (Number(slider.value) === steps.length - 1) slider.value = 0;
    show();
    film = setInterval(forward, 700);
    play.textContent = "Pause";
  });
  slider.addEventListener("input", () => { pause(); show(); });
  place.addEventListener("change", show);
  show();
}

// A link to a row's trials opens them.
const open = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") {
    target.open = true;
    target.scrollIntoView();
    target.querySelector("summary").focus({ preventScroll: true });
  }
};
addEventListener("hashchange", open);
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (link && link.getAttribute("href") === location.hash) open();
});
open();
