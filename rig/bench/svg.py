# SPDX-License-Identifier: GPL-2.0-only
"""Charts as SVG, without a library: lines over logarithmic axes, and stacked bars."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 820, 460
LEFT, RIGHT, TOP, BOTTOM = 80, 200, 50, 70
COLOURS = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#17becf", "#7f7f7f"]


def text(x, y, words, anchor="middle", size=12, turn=0):
    """A piece of text; @turn in degrees around its place."""
    rotate = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{rotate}>'
            f"{escape(words)}</text>")


def line(x1, y1, x2, y2, colour="#ccc"):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def frame(title, x_title, y_title, body):
    """A whole picture around its contents."""
    middle_x, middle_y = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        text(middle_x, 24, title, size=15), text(middle_x, HEIGHT - 12, x_title),
        text(18, middle_y, y_title, turn=-90), *body, "</svg>", ""])


def legend(names):
    """What each colour stands for."""
    body = []
    for n, name in enumerate(names):
        y = TOP + 20 * n
        body.append(f'<rect x="{WIDTH - RIGHT + 12}" y="{y - 9}" width="12" height="12" '
                    f'fill="{COLOURS[n % len(COLOURS)]}"/>')
        body.append(text(WIDTH - RIGHT + 30, y + 1, name, "start", 11))
    return body


class LogAxis:
    """Maps positive numbers to a stretch of the picture, by their logarithm."""

    def __init__(self, values, start, end):
        self.low = math.floor(math.log10(min(values)))
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)
        self.start, self.end = start, end

    def at(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self):
        return [10.0 ** n for n in range(self.low, self.high + 1)]


def number(value):
    """A tick's label."""
    return f"{value:g}" if 0.001 <= value < 1e6 else f"1e{round(math.log10(value))}"


def lines(title, x_title, y_title, series, x_labels=None):
    """Curves: series is {name: [(x, y)...]}; x_labels {x: text} replaces the powers of ten."""
    points = [p for curve in series.values() for p in curve if p[1] > 0]
    x_axis = LogAxis([p[0] for p in points], LEFT, WIDTH - RIGHT)
    y_axis = LogAxis([p[1] for p in points], HEIGHT - BOTTOM, TOP)
    body = []
    for tick in y_axis.ticks():
        y = y_axis.at(tick)
        body += [line(LEFT, y, WIDTH - RIGHT, y), text(LEFT - 6, y + 4, number(tick), "end", 11)]
    for tick, label in (x_labels or {t: number(t) for t in x_axis.ticks()}).items():
        x = x_axis.at(tick)
        body += [line(x, TOP, x, HEIGHT - BOTTOM), text(x, HEIGHT - BOTTOM + 16, label, size=11)]
    for n, curve in enumerate(series.values()):
        colour = COLOURS[n % len(COLOURS)]
        places = [(x_axis.at(x), y_axis.at(y)) for x, y in sorted(curve) if y > 0]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        body += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
    return frame(title, x_title, y_title, body + legend(series))


def bars(title, parts, columns):
    """Bars of equal height that show shares, with the whole above each: parts are names from the
    bottom up, columns are [(label, {part: value}, whole)]."""
    step = (WIDTH - RIGHT - LEFT) / len(columns)
    room = HEIGHT - BOTTOM - TOP - 16
    body = []
    for percent in range(0, 101, 25):
        y = HEIGHT - BOTTOM - room * percent / 100
        body += [line(LEFT, y, WIDTH - RIGHT, y), text(LEFT - 6, y + 4, f"{percent} %", "end", 11)]
    for n, (label, values, whole) in enumerate(columns):
        x, y = LEFT + step * (n + 0.15), HEIGHT - BOTTOM
        scale = room / (sum(values.values()) or 1)
        for colour, part in zip(COLOURS, parts):
            height = values.get(part, 0) * scale
            y -= height
            body.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{step * 0.7:.1f}" height="{height:.1f}" '
                        f'fill="{colour}"/>')
        body.append(text(x + step * 0.35, y - 5, whole, size=11))
        body.append(text(x + step * 0.35, HEIGHT - BOTTOM + 16, label, size=11))
    return frame(title, "size of state", "share of the downtime", body + legend(parts))
