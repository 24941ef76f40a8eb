// The recogniser itself in place of its pictures, where a web server serves the site.
for (const frame of location.protocol === 'file:' ? [] : document.querySelectorAll('iframe[data-src]')) {
  frame.addEventListener('load', () => {
    const body = frame.contentDocument.body;
    new ResizeObserver(() => { frame.style.height = `${body.scrollHeight + 8}px`; }).observe(body);
  });
  frame.src = frame.dataset.src;
  frame.hidden = false;
  frame.previousElementSibling.hidden = true;
}
