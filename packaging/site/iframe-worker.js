// The theme searches in a worker, which browsers refuse to pages that are opened from a directory: there, the same script
// runs in a hidden frame. The theme's own replacement would be loaded from another server.
if (location.protocol === "file:") {
  window.IFrameWorker = window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      const scope = (this.scope = this.frame.contentWindow);
      scope.document.open(); // otherwise Firefox replaces the window when it has loaded about:blank
      scope.document.write("<!doctype html><body></body>");
      scope.document.close();
      scope.postMessage = (data) => {
        const event = new MessageEvent("message", { data: structuredClone(data) });
        this.dispatchEvent(event);
        this.onmessage?.(event);
      };
      scope.importScripts = async (...sources) => {
        for (const source of sources) await load(source);
      };
      const load = (source) =>
        new Promise((resolve, reject) => {
          const script = scope.document.createElement("script");
          Object.assign(script, { src: source, onload: resolve, onerror: reject });
          scope.document.body.append(script);
        });
      this.ready = load(url);
    }

    async postMessage(data) {
      await this.ready;
      this.scope.dispatchEvent(new this.scope.MessageEvent("message", { data: structuredClone(data) }));
    }

    terminate() {
      this.frame.remove();
    }
  };
}
