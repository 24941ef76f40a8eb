// On the first page: the recogniser itself in place of its picture, where a web server serves the site.
const frame = document.querySelector('iframe[data-src]');
if (frame && location.protocol !== 'file:') {
  frame.addEventListener('load', () => {
    const body = frame.contentDocument.body;
    new ResizeObserver(() => { frame.style.height = `${body.scrollHeight + 8}px`; }).observe(body);
  });
  frame.src = frame.dataset.src;
  frame.hidden = false;
  frame.previousElementSibling.hidden = true;
}
