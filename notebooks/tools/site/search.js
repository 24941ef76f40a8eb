document.querySelector('nav.pages details').open = matchMedia('(min-width: 70rem)').matches;
const box = document.getElementById('search'), list = document.getElementById('found');
box.addEventListener('input', () => {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  list.replaceChildren();
  if (!words.length) return;
  for (const page of PAGES) {
    const text = page.text.toLowerCase();
    if (!words.every(word => text.includes(word))) continue;
    const at = text.indexOf(words[0]), item = document.createElement('li'), link = document.createElement('a');
    link.href = document.body.dataset.root + page.url;
    link.textContent = page.title;
    item.append(link, ' … ' + page.text.slice(Math.max(0, at - 40), at + 60) + ' …');
    list.append(item);
  }
  if (!list.children.length) list.textContent = 'nothing found';
});
