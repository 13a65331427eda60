// A page opened as a file may not start workers, and the search is one: here it runs in a hidden frame instead,
// so that the site can be searched from a folder, without a server and without the network.
if (location.protocol === "file:") {
  class IFrameWorker extends EventTarget {
    constructor(url) {
      super()
      this.frame = document.createElement("iframe")
      this.frame.hidden = true
      document.body.append(this.frame)
      const script = `<script src="${url}"><\/script>`
      const imports = "importScripts = (...urls) => Promise.all(urls.map(url => new Promise((done, failed) => {"
        + "const tag = document.createElement('script'); tag.src = url; tag.onload = done; tag.onerror = failed;"
        + "document.head.append(tag) })));"
      const answer = "postMessage = data => parent.postMessage(data, '*');"
      window.addEventListener("message", event => {
        if (event.source === this.frame.contentWindow)
          this.dispatchEvent(new MessageEvent("message", { data: event.data }))
      })
      this.ready = new Promise(done => this.frame.addEventListener("load", done, { once: true }))
      const page = this.frame.contentDocument
      page.open()
      page.write(`<html><head><script>${answer}${imports}<\/script>${script}</head><body></body></html>`)
      page.close()
    }
    // The frame's own `postMessage` answers the page; a message to the frame is an event there.
    postMessage(data) {
      this.ready.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data })))
    }
    terminate() {
      this.frame.remove()
    }
  }
  window.IFrameWorker = IFrameWorker
  window.Worker = IFrameWorker
}
