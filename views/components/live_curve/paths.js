// Polylines and bands as SVG path data; a hole in the numbers is a hole in the line.

function linePath(xs, ys, toX, toY) {
  let path = "";
  let pen = "M";
  for (let i = 0; i < xs.length; i += 1) {
    if (!isNumber(xs[i]) || !isNumber(ys[i])) {
      pen = "M";
      continue;
    }
    path += `${pen}${toX(xs[i]).toFixed(1)} ${toY(ys[i]).toFixed(1)}`;
    pen = "L";
  }
  return path;
}

function bandPath(xs, low, high, toX, toY) {
  if (!low || !high) return "";
  let path = "";
  let run = [];
  const close = () => {
    if (run.length > 1) {
      const there = run.map((i) => `${toX(xs[i]).toFixed(1)} ${toY(high[i]).toFixed(1)}`);
      const back = run.reverse().map((i) => `${toX(xs[i]).toFixed(1)} ${toY(low[i]).toFixed(1)}`);
      path += `M${there.join("L")}L${back.join("L")}Z`;
    }
    run = [];
  };
  for (let i = 0; i < xs.length; i += 1) {
    if (isNumber(xs[i]) && isNumber(low[i]) && isNumber(high[i])) run.push(i);
    else close();
  }
  close();
  return path;
}

// Half its diagonal is `half`.
const diamond = (half) => `M0 ${-half}L${half} 0L0 ${half}L${-half} 0Z`;
