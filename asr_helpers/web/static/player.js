// Plays samples, and knows where it is: an <audio> element tells the time too seldom for a playhead.
export class Player {
  playing = false;
  stopped = 0; // where it stands while it does not play, in seconds

  load(samples, rate) {
    this.pause();
    this.stopped = 0;
    Object.assign(this, { samples, rate });
  }

  play(from, start, end, loop) {
    this.pause();
    this.context ??= new AudioContext();
    this.context.resume();
    const buffer = this.context.createBuffer(1, this.samples.length, this.rate);
    buffer.copyToChannel(this.samples, 0);
    this.source = new AudioBufferSourceNode(this.context, { buffer, loop, loopStart: start, loopEnd: end });
    this.source.connect(this.context.destination);
    this.source.onended = () => this.pause(start);
    Object.assign(this, { from, start, end, loop, playing: true, began: this.context.currentTime });
    this.source.start(0, from, loop ? undefined : end - from);
  }

  pause(at = this.time) {
    this.stopped = at;
    this.playing = false;
    if (this.source) this.source.onended = null;
    this.source?.stop();
    this.source = null;
  }

  // Gives the sound device back.
  close() {
    this.pause();
    this.context?.close();
  }

  get time() {
    if (!this.playing) return this.stopped;
    const time = this.from + (this.context.currentTime - this.began);
    if (time < this.end) return time;
    return this.loop ? this.start + ((time - this.start) % (this.end - this.start)) : this.end;
  }

  set time(seconds) {
    this.stopped = seconds;
  }
}
