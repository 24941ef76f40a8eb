// How a text differs from what was said: the twin of asr_helpers/words/metrics.py.

// The edit distances between the beginnings of two lists of words (Levenshtein).
function distances(heard, said) {
  const table = [said.map((_, j) => j).concat(said.length)];
  heard.forEach((word, i) => {
    const row = [i + 1];
    said.forEach((truth, j) => row.push(Math.min(table[i][j] + (word !== truth), table[i][j + 1] + 1, row[j] + 1)));
    table.push(row);
  });
  return table;
}

// How many words are wrong, missing or too many.
export const wordErrors = (heard, said) => distances(heard, said)[heard.length][said.length];

// Which of the words heard are among those said, along the best path.
export function matched(heard, said) {
  const table = distances(heard, said), right = heard.map(() => false);
  for (let i = heard.length, j = said.length; i && j; ) {
    if (heard[i - 1] === said[j - 1] && table[i][j] === table[i - 1][j - 1]) right[--i] = Boolean(j--);
    else if (table[i][j] === table[i - 1][j - 1] + 1) i--, j--;
    else if (table[i][j] === table[i - 1][j] + 1) i--;
    else j--;
  }
  return right;
}
