// The plots of the page, drawn by Plotly from the data that stands beside. Texts are set as text, never as markup:
// Plotly gets none of them, as it reads markup in what it shows.
"use strict";

(() => {
  const DATA = JSON.parse(document.getElementById("data").textContent);
  const DARK = window.matchMedia("(prefers-color-scheme: dark)");
  const PALETTES = {
    seeds: [[0, "#a50026"], [0.1, "#d73027"], [0.2, "#f46d43"], [0.3, "#fdae61"], [0.4, "#fee08b"], [0.5, "#ffffbf"],
      [0.6, "#d9ef8b"], [0.7, "#a6d96a"], [0.8, "#66bd63"], [0.9, "#1a9850"], [1, "#006837"]],
    safe: [[0, "#00224e"], [0.125, "#123570"], [0.25, "#3b496c"], [0.375, "#575d6d"], [0.5, "#707173"],
      [0.625, "#8a8678"], [0.75, "#a59c74"], [0.875, "#c3b369"], [1, "#fee838"]],
  };
  // The buttons are named one by one, since one of Plotly's own sends the plot to its makers.
  const CONFIG = {
    displaylogo: false,
    plotlyServerURL: "",
    responsive: true,
    doubleClick: "reset",
    modeBarButtons: [["toImage"], ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
  };
  const state = { evaluation: 0, query: 0, palette: "safe" };

  const element = (id) => document.getElementById(id);
  const shown = () => DATA.evaluations[state.evaluation];
  const text = (number) => DATA.texts[number];
  const shortened = (words, length) => (words.length > length ? `${words.slice(0, length - 1)}\u2026` : words);
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const three = (value) => value.toFixed(3).replace(/^-(0\.0+)$/, "$1").replace("-", "\u2212");
  const count = (value) => value.toLocaleString("en");
  const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 2 : 1)} %`;

  /** An element with a class, and a text or other elements in it. */
  function make(tag, kind, ...content) {
    const made = document.createElement(tag);
    made.className = kind;
    made.append(...content);
    if (kind === "quoted") made.dir = "auto";
    return made;
  }

  // ---- what is told at the pointer -------------------------------------------------------------------------------

  const tip = element("tip");

  /** Shows lines, [words of ours, text of the set or nothing] each, beside the pointer. */
  function tell(event, lines) {
    tip.replaceChildren(...lines.flatMap(([words, quoted]) => [
      make("p", "kind", words),
      ...(quoted === undefined ? [] : [make("p", "quoted", quoted)]),
    ]));
    tip.hidden = false;
    const { clientX: x, clientY: y } = event.touches?.[0] ?? event;
    const { offsetWidth: width, offsetHeight: height } = tip;
    tip.style.left = `${Math.max(8, Math.min(x + 14, window.innerWidth - width - 8))}px`;
    tip.style.top = `${y + 18 + height < window.innerHeight ? y + 18 : Math.max(8, y - height - 14)}px`;
  }

  function hush() {
    tip.hidden = true;
  }

  function tellQuery(place) {
    const e = shown();
    return [
      [`Query ${e.rows[place] + 1}`, text(e.queries[place])],
      [`similarity with its own positive ${three(e.similarity[place])}; first relevant document at rank ` +
        `${count(e.rank[place])} of ${count(e.numDocuments)}`],
    ];
  }

  function tellDocument(place) {
    const e = shown();
    const holder = e.own.indexOf(place);
    const kind = e.positive[place] ? "Positive" : "Other document";
    return [[holder < 0 ? kind : `${kind} of query ${e.rows[holder] + 1}`, text(e.documents[place])]];
  }

  // ---- plots -----------------------------------------------------------------------------------------------------

  function layout(more) {
    const axis = { gridcolor: color("line"), zeroline: false, linecolor: color("line"), fixedrange: false };
    const { xaxis, yaxis, ...rest } = more;
    return {
      paper_bgcolor: color("page"),
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: color("text"), family: "system-ui, sans-serif", size: 12 },
      margin: { l: 52, r: 12, t: 34, b: 44 },
      hovermode: "closest",
      dragmode: window.matchMedia("(pointer: coarse)").matches ? false : "pan",
      legend: { orientation: "h", x: 0, y: 1.01, yanchor: "bottom", itemsizing: "constant" },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: color("muted"), activecolor: color("accent") },
      xaxis: { ...axis, ...xaxis },
      yaxis: { ...axis, ...yaxis },
      ...rest,
    };
  }

  /** Draws anew; `lines` gives what is told of a point, `choose` what a click on it does. */
  async function draw(id, traces, given, lines, choose) {
    const plot = element(id);
    await Plotly.react(plot, traces, layout(given), CONFIG);
    plot.removeAllListeners?.("plotly_hover");
    plot.removeAllListeners?.("plotly_unhover");
    plot.removeAllListeners?.("plotly_click");
    plot.on("plotly_hover", ({ event, points }) => event && tell(event, lines(points)));
    plot.on("plotly_unhover", hush);
    plot.on("plotly_click", ({ event, points }) => {
      if (event) tell(event, lines(points));
      choose?.(points[0]);
    });
  }

  const SIZES = { circle: 1, square: 1, "triangle-up": 1.4 }; // a triangle shows under a circle that lies on it

  function drawMap(name) {
    const e = shown();
    const map = e.maps[name];
    element(`${name}-none`).hidden = map !== null;
    element(name).hidden = map === null;
    if (map === null) return undefined;
    const [x, y] = map.queries;
    const documents = [...map.documents[0].keys()];
    const of = (places, axis) => places.map((place) => map.documents[axis][place]);
    const line = (from, axis) => e.own.flatMap((place, query) => [from[query], map.documents[axis][place], null]);
    const points = (label, places, symbol, hue, [xs, ys]) => ({
      type: "scatter", mode: "markers", name: label, x: xs, y: ys, customdata: places, hoverinfo: "none",
      marker: { symbol, color: color(hue), size: SIZES[symbol] * (e.rows.length > 400 ? 6 : 8), opacity: 0.8,
        line: { width: 0.5, color: color("page") } },
    });
    const group = (label, flag, symbol, hue) => {
      const places = documents.filter((place) => e.positive[place] === flag);
      return points(label, places, symbol, hue, [of(places, 0), of(places, 1)]);
    };
    const traces = [
      { type: "scatter", mode: "lines", x: line(x, 0), y: line(y, 1), hoverinfo: "skip", showlegend: false,
        line: { color: color("muted"), width: 0.5 }, opacity: 0.5 },
      group("other document", 0, "square", "other"),
      group("positive", 1, "triangle-up", "positive"),
      points("query", e.queries.map((_, place) => place), "circle", "query", map.queries),
      { type: "scatter", mode: "markers", x: [x[state.query]], y: [y[state.query]], hoverinfo: "skip",
        showlegend: false, marker: { symbol: "circle-open", size: 18, color: color("text"), line: { width: 2 } } },
    ].filter(({ x: found }) => found.length > 0);
    const hidden = { visible: false };
    return draw(name, traces, { margin: { l: 4, r: 4, t: 34, b: 4 }, xaxis: hidden,
      yaxis: { ...hidden, scaleanchor: "x" } }, ([point]) =>
      point.data.name === "query" ? tellQuery(point.customdata) : tellDocument(point.customdata),
    (point) => point.data.name === "query" && chooseQuery(point.customdata));
  }

  function drawHeat() {
    const e = shown();
    const size = e.heat.similarity.length;
    const room = (element("heat").clientWidth - 110) / 34; // names that stand side by side
    const step = [1, 2, 5, 10].find((many) => size / many <= room) ?? 25;
    const places = [...Array(size).keys()].filter((place) => place % step === 0);
    const names = (letter) => ({ tickvals: places, ticktext: places.map((place) => `${letter}${place + 1}`),
      showgrid: false, ticks: "", constrain: "domain" });
    const trace = { type: "heatmap", z: e.heat.similarity, zmin: 0, zmax: 1, colorscale: PALETTES[state.palette],
      xgap: size > 25 ? 0 : 1, ygap: size > 25 ? 0 : 1, hoverinfo: "none",
      colorbar: { thickness: 10, outlinewidth: 0, title: { text: "cosine", side: "top" } } };
    return draw("heat", [trace], { margin: { l: 36, r: 4, t: 34, b: 28 }, xaxis: names("P"),
      yaxis: { ...names("Q"), autorange: "reversed" } }, ([{ pointNumber, pointIndex }]) => {
      const [row, column] = pointNumber ?? pointIndex;
      const right = e.heat.right[row][column];
      const kind = row === column ? "its own positive" : right ? "relevant to it too" : "not relevant to it";
      return [
        [`Query ${e.rows[row] + 1}`, text(e.queries[row])],
        [`Positive of query ${e.rows[column] + 1}, ${kind}`, text(e.documents[e.own[column]])],
        [`similarity ${three(e.heat.similarity[row][column])}`],
      ];
    }, ({ pointNumber, pointIndex }) => chooseQuery((pointNumber ?? pointIndex)[0]));
  }

  const KINDS = [["positive", "", "dash"], ["negative", "/", "dot"]];

  function drawBars() {
    const { bars: { edges, shares }, boxes } = shown();
    const traces = KINDS.map(([name, shape], kind) => ({
      type: "bar", name: `${name} pairs`, x: edges.slice(0, -1), y: shares[kind], offset: 0,
      width: edges.slice(1).map((end, place) => end - edges[place]), hoverinfo: "none", opacity: 0.7,
      marker: { color: color(name), line: { width: 0 }, pattern: { shape, fillmode: "overlay", solidity: 0.25 } },
    }));
    const means = KINDS.flatMap(([name, , dash], kind) => boxes[kind] === null ? [] : [{ type: "line",
      x0: boxes[kind].mean, x1: boxes[kind].mean, y0: 0, y1: 1, yref: "paper",
      line: { color: color(name), width: 2, dash } }]);
    return draw("bars", traces, { barmode: "overlay", shapes: means, xaxis: { title: { text: "cosine similarity" },
      nticks: 8, range: [edges[0], edges.at(-1)] },
      yaxis: { title: { text: "share of the pairs of a kind" }, tickformat: ".0%" } }, ([{ pointNumber: place }]) => [
      [`similarity ${three(edges[place])} to ${three(edges[place + 1])}`],
      ...KINDS.map(([name], kind) => [`${percent(shares[kind][place])} of the ${name} pairs`]),
    ]);
  }

  function drawBoxes() {
    const boxes = KINDS.flatMap(([name], kind) => shown().boxes[kind] === null ? [] : [[name, shown().boxes[kind]]]);
    const traces = boxes.map(([name, box]) => ({
      type: "box", name, x: [name], q1: [box.lower_quartile], median: [box.median], q3: [box.upper_quartile],
      lowerfence: [box.low], upperfence: [box.high], mean: [box.mean], boxmean: true, hoverinfo: "none",
      showlegend: false, line: { color: color(name) }, fillcolor: "rgba(0,0,0,0)",
    }));
    return draw("boxes", traces, { xaxis: { tickangle: 0, tickfont: { size: 11 } },
      yaxis: { title: { text: "cosine similarity" } } }, ([{ curveNumber }]) => {
      const [name, box] = boxes[curveNumber];
      const rows = [["99th percentile", "high"], ["upper quartile", "upper_quartile"], ["median", "median"],
        ["lower quartile", "lower_quartile"], ["1st percentile", "low"], ["mean", "mean"], ["deviation", "deviation"]];
      return [[`${name} pairs`], ...rows.map(([words, key]) => [`${words} ${three(box[key])}`])];
    });
  }

  // ---- the nearest documents of a query --------------------------------------------------------------------------

  function listQueries() {
    const e = shown();
    const option = (place) => {
      const made = make("option", "", `Q${e.rows[place] + 1}, rank ${e.rank[place]}: ${shortened(text(e.queries[place]), 80)}`);
      made.value = String(place);
      return made;
    };
    const group = (label, places) => {
      const made = make("optgroup", "", ...places.map(option));
      made.label = label;
      return made;
    };
    element("query").replaceChildren(
      group("from the easiest to the hardest", e.examples),
      group("all that are shown", [...e.rows.keys()]),
    );
  }

  function drawNearest() {
    const e = shown();
    const place = state.query;
    element("query").value = String(place);
    element("asked").replaceChildren(make("p", "quoted", text(e.queries[place])),
      make("p", "note", `first relevant document at rank ${count(e.rank[place])} of ${count(e.numDocuments)}`));
    element("nearest").replaceChildren(...e.top[place].map((number, rank) => {
      const similarity = e.topSimilarity[place][rank];
      const right = e.topRight[place][rank] === 1;
      const bar = make("div", "bar");
      bar.style.width = `${100 * Math.max(0, Math.min(1, similarity))}%`;
      const mark = make("span", right ? "pass" : "fail", right ? "✓" : "✗");
      mark.title = right ? "relevant" : "not relevant";
      const line = make("li", right ? "right" : "wrong", make("span", "note", String(rank + 1)), mark,
        make("span", "quoted", text(e.documents[number])), make("div", "track", bar),
        make("span", "number", three(similarity)));
      line.addEventListener("pointermove", (event) => tell(event, [
        [`rank ${rank + 1}, similarity ${three(similarity)}, ${right ? "relevant" : "not relevant"}`],
        ...tellDocument(number),
      ]));
      line.addEventListener("pointerleave", hush);
      return line;
    }));
  }

  function chooseQuery(place) {
    state.query = place;
    drawNearest();
    return Promise.all(["tsne", "umap"].map(drawMap));
  }

  // ---- the page --------------------------------------------------------------------------------------------------

  async function drawAll() {
    const e = shown();
    element("shown").textContent = e.rows.length < e.numQueries
      ? `The plots show ${count(e.rows.length)} of ${count(e.numQueries)} queries; all numbers are of all queries.` : "";
    drawNearest();
    await Promise.all([drawMap("tsne"), drawMap("umap"), drawHeat(), drawBars(), drawBoxes()]);
    document.documentElement.dataset.drawn = String(state.evaluation);
  }

  function chooseEvaluation(number) {
    delete document.documentElement.dataset.drawn;
    state.evaluation = number;
    state.query = shown().examples.at(-1);
    hush();
    for (const section of document.querySelectorAll("[data-evaluation]")) {
      section.hidden = Number(section.dataset.evaluation) !== number;
    }
    listQueries();
    return drawAll();
  }

  element("plots").hidden = false;
  for (const input of document.querySelectorAll("input[name=evaluation]")) {
    input.addEventListener("change", () => chooseEvaluation(Number(input.value)));
  }
  element("query").addEventListener("change", ({ target }) => chooseQuery(Number(target.value)));
  element("palette").addEventListener("change", ({ target }) => {
    state.palette = target.value;
    drawHeat();
  });
  DARK.addEventListener("change", drawAll);
  window.addEventListener("scroll", hush, { passive: true });
  chooseEvaluation(Number(document.querySelector("input[name=evaluation]:checked")?.value ?? 0));
})();
